"""The simulator's page: regret of policies on simulated customers, and how far to believe it."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import log
from shopkeeper.console import charts
from shopkeeper.console.area import Area
from shopkeeper.console.view import View
from shopkeeper.operate import simulation


def show(view: View, notice: str = "") -> Response:
    """Return the page, from the trial kept last, and whether another is under way."""
    shop = view.console.shop
    latest = next(iter(simulation.runs(shop)), None)
    return view.page(
        "simulator.html",
        "simulator",
        trial=view.part(_trial, view),
        waits=latest is not None and latest["state"] in ("asked", "running"),
        problem=latest["problem"] if latest is not None else None,
        switched_off=not shop.settings.run_jobs,
        notice=notice,
    )


def start(view: View, _: FormData) -> Response:
    """Ask the server for a new trial."""
    assert view.session is not None
    simulation.start(view.console.shop, view.session.user)
    log.info("simulation.asked")
    return show(view, notice=view.say("simulator.asked"))


def _trial(view: View) -> dict[str, Any] | None:
    found = simulation.last(view.console.shop.settings)
    if found is None:
        return None
    pair = _pair(found)
    return {
        "pair": _with_intervals(view, found, pair),
        "pair_title": view.say("simulator.pair", name=view.word("policy", pair[1])),
        "made_us": found["made_us"],
        "seconds": found["seconds"],
        "data": found["data"],
        "protocol": found["protocol"],
        "oracle": found["oracle"]["reward"]["mean"],
        "regret": _regret(view, found),
        "policies": _policies(view, found),
        "simulators": [one["validity"] for one in found["simulators"]],
        "looking": _looking(view, found),
        "own": _own(view, found),
        "off_policy": [
            {"name": view.word("policy", name), "tone": _TONES.get(one["verdict"], ""), **one}
            for name, one in found["off_policy"].items()
        ],
    }


def _looking(view: View, found: dict[str, Any]) -> dict[str, Any] | None:
    """Return clicks by place, real and foretold, where impressions tell; else why they do not."""
    told = found.get("looking")
    if not told:
        return None
    if told["eta"] is None:
        return {"chart": None, "clicks": told["clicks"], "eta": None}
    shares = told["held_out_click_share"]
    series = {
        view.say("simulator.real"): shares,
        view.say("simulator.foretold"): told["foretold_click_share"],
    }
    places = [str(place) for place in range(1, len(shares) + 1)]
    return {**told, "chart": charts.lines(places, series)}


def _own(view: View, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return, per reward, what the shop's own slates say of other policies and what they lack."""
    return [
        {
            "reward": view.word("reward", reward),
            "data": told["data"],
            "ran": told["models"].get("logged", {}).get("metrics", {}).get("mean"),
            "missing": [view.word("missing", one["code"]) for one in told["missing"]],
            "policies": [
                _own_row(view, name, one)
                for name, one in told["models"].items()
                if name != "logged"
            ],
        }
        for reward, told in found.get("own_slates", {}).items()
    ]


def _own_row(view: View, name: str, one: dict[str, Any]) -> dict[str, Any]:
    kind, _, share = name.partition("_")
    word = view.word("policy", kind)
    low, high = one["against_baseline"]["interval_95"]
    return {
        "name": f"{word} {float(share):.0%}" if share else word,
        "dr": one["metrics"]["dr"],
        "snips": one["metrics"]["snips"],
        "over": one["against_baseline"]["difference"],
        "low": low,
        "high": high,
        "effective": one["effective"],
        "needed": one.get("rows_needed"),
        "verdict": one["verdict"],
        "tone": _TONES.get(one["verdict"], ""),
    }


_TONES = {"better": "good", "worse": "error", "refused": "warn"}


def _regret(view: View, found: dict[str, Any]) -> dict[str, Any]:
    spec = charts.curve(
        {
            view.word("policy", name): list(
                zip(found["visits_at"], one["regret"]["mean"], strict=True)
            )
            for name, one in found["policies"].items()
        }
    )
    return {**spec, "fine": True}


def _pair(found: dict[str, Any]) -> tuple[str, str]:
    """Return the ranker and, of the others, the one with the least regret."""
    others = {n: o["regret"]["mean"][-1] for n, o in found["policies"].items() if n != "greedy"}
    return "greedy", min(others, key=lambda name: float(others[name]))


def _with_intervals(view: View, found: dict[str, Any], names: tuple[str, str]) -> dict[str, Any]:
    """Return the regret of two policies with bands; the chart begins at 0."""
    regrets = {name: found["policies"][name]["regret"] for name in names}
    return charts.fan(
        [str(at) for at in found["visits_at"]],
        [
            (
                f"{view.word('policy', name)} 95 %",
                [max(low, 0.0) for low in one["low"]],
                [max(high, 0.0) for high in one["high"]],
            )
            for name, one in regrets.items()
        ],
        {view.word("policy", name): one["mean"] for name, one in regrets.items()},
    )


def _policies(view: View, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the policies, least regret first, with what can be said against the ranker."""
    rows = []
    for name, one in found["policies"].items():
        over, regret = one["against_greedy"], one["regret"]
        low, high = over["interval_95"]
        verdict = "base" if name == "greedy" else _verdict(low, high)
        rows.append(
            {
                "name": view.word("policy", name),
                "reward": one["reward"]["mean"],
                "over": over["mean"],
                "low": low,
                "high": high,
                "regret": regret["mean"][-1],
                "regret_low": regret["low"][-1],
                "regret_high": regret["high"][-1],
                "verdict": view.say(f"simulator.{verdict}"),
                "tone": {"more": "good", "less": "error"}.get(verdict, ""),
            }
        )
    return sorted(rows, key=lambda row: float(row["regret"]))


def _verdict(low: float, high: float) -> str:
    return "more" if low > 0 else "less" if high < 0 else "same"


AREA = Area(
    name="simulator",
    pages=(("/simulator", show),),
    forms=(("/simulator/start", start),),
)
