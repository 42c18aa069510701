"""How well support understands: intents, FAQ retrieval and sentiment on public data.

    python benchmarks/quality/support.py [--data ../shared/data] [--only NAME …]

Each part goes through the same ``evaluate`` as a shop's own file and prints one JSON object,
kept in benchmarks/results/support_<name>.json. The hidden test parts of the public sets are not
needed: test rows here are held out of their training parts by a seed. A missing folder is said
and skipped. Nothing is copied into the project.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.support import evaluate_faq, evaluate_intents, evaluate_sentiment
from shopkeeper.support.evaluate import interval
from shopkeeper.support.models.intents import OOS, IntentData, IntentMix
from shopkeeper.support.schema import BITEXT_INTENTS
from shopkeeper.support.seeds import OUTSIDE, STYLES, utterances

RESULTS = Path(__file__).parents[1] / "results"
SEED = 7


def _file(folder: Path, head: list[str], rows: Iterable[Iterable[str]]) -> Path:
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def banking77(data: Path, work: Path) -> dict[str, Any]:
    """Training part, 70/10/20 by seed."""
    rows = [[r["text"], r["category"]] for r in _read(data / "banking77" / "train.csv")]
    return evaluate_intents.evaluate(_file(work, ["text", "intent"], rows), seed=SEED)


def hwu64(data: Path, work: Path) -> dict[str, Any]:
    """Training part of fold 1, 70/10/20 by seed."""
    rows = [[r["text"], r["intent"]] for r in _read(data / "hwu64" / "train_fold1.csv")]
    return evaluate_intents.evaluate(_file(work, ["text", "intent"], rows), seed=SEED)


def bitext(data: Path, work: Path) -> dict[str, Any]:
    """Training part without its junk rows, 70/10/20 by seed."""
    rows = [
        [r["utterance"], r["intent"]]
        for r in _read(data / "bitext" / "train.csv")
        if r["intent"] in BITEXT_INTENTS
    ]
    return evaluate_intents.evaluate(_file(work, ["text", "intent"], rows), seed=SEED)


def clinc150(data: Path, work: Path) -> dict[str, Any]:
    """Train on train; one half of val and oos_val sets the threshold, the other half is judged."""
    parts = json.loads((data / "clinc150" / "data_full_train_val.json").read_text("utf-8"))
    rng = np.random.default_rng(SEED)
    rows = [[t, y, "train"] for t, y in parts["train"]]
    rows += [[t, OOS, "train"] for t, _ in parts["oos_train"]]
    for name in ("val", "oos_val"):
        for place, (text, label) in enumerate(rng.permutation(parts[name]).tolist()):
            label = OOS if name == "oos_val" else label
            rows.append([text, label, ("validation", "test")[place % 2]])
    return evaluate_intents.evaluate(_file(work, ["text", "intent", "split"], rows), seed=SEED)


def chinese_intents(data: Path, work: Path) -> dict[str, Any]:
    """Our 400 Chinese utterances: each style in turn is held out and judged, never learned."""
    seeds = utterances()
    models: dict[str, Any] = {}
    everything: list[float] = []
    for style in STYLES:
        held = [u for u in seeds if (u.language, u.style) == ("zh", style)]
        kept = [u for u in seeds if (u.language, u.style) != ("zh", style)]
        labels = [OOS if u.intent == OUTSIDE else u.intent for u in kept]
        made = IntentMix().fit(IntentData(texts=[u.text for u in kept], labels=labels))
        best = made.predict([u.text for u in held]).argmax(axis=1)
        right = [float(made.intents[i] == u.intent) for i, u in zip(best, held, strict=True)]
        everything += right
        models[style] = {"n": len(right), "accuracy": round(float(np.mean(right)), 4)}
        models[style]["interval_95"] = interval(right)
    models["all"] = {"n": 400, "accuracy": round(float(np.mean(everything)), 4)}
    models["all"]["interval_95"] = interval(everything)
    return {"capability": "support", "protocol": "leave one style out", "styles": models}


def _titles(data: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((data / "faq_zh_en" / "faq.json").read_text("utf-8"))
    return loaded


def _faq(work: Path, pairs: list[tuple[str, str]], skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """Split the queries by seed: a quarter fits the weight, a quarter the floor, half judges.

    Below 100 queries the default weights stay: a quarter fits the floor, three quarters judge.
    """
    order = np.random.default_rng(SEED).permutation(len(pairs))
    split = {int(row): place * 4 // len(pairs) for place, row in enumerate(order)}
    few = len(pairs) < 100
    names = ("test" if few else "train", "validation", "test", "test")
    rows = [[title, "", "", "train"] for title in dict.fromkeys(t for t, _ in pairs) if few]
    rows += [[title, "", query, names[split[i]]] for i, (title, query) in enumerate(pairs)]
    path = _file(work, ["question", "answer", "query", "split"], rows)
    return evaluate_faq.evaluate(path, skip=skip)


def faq_zh(data: Path, work: Path) -> dict[str, Any]:
    """54 Chinese paraphrases to 27 Chinese titles."""
    pairs = [(e["question_zh"], q) for e in _titles(data) for q in e["paraphrases_zh"]]
    return _faq(work, pairs)


def faq_zh_to_en(data: Path, work: Path) -> dict[str, Any]:
    """54 Chinese paraphrases and 27 Chinese questions to 27 English titles."""
    pairs = [
        (e["question_en"], q)
        for e in _titles(data)
        for q in (*e["paraphrases_zh"], e["question_zh"])
    ]
    return _faq(work, pairs)


def faq_own_zh(data: Path, work: Path) -> dict[str, Any]:
    """Our 400 Chinese utterances to the 27 Chinese titles; intents learned from them sit out."""
    titles = {e["intent"]: e["question_zh"] for e in _titles(data)}
    pairs = [(titles[u.intent], u.text) for u in utterances() if u.language == "zh" and u.style]
    return _faq(work, pairs, skip=("with-intents",))


def faq_en(data: Path, work: Path) -> dict[str, Any]:
    """Every fourth Bitext utterance to the 27 English titles."""
    titles = {e["intent"]: e["question_en"] for e in _titles(data)}
    rows = [r for r in _read(data / "bitext" / "train.csv") if r["intent"] in titles]
    return _faq(work, [(titles[r["intent"]], r["utterance"]) for r in rows[::4]])


def _reviews(data: Path, work: Path, name: str) -> dict[str, Any]:
    path = data / "chinese_reviews" / f"{name}.csv.gz"
    with gzip.open(path) as packed:
        rows = list(csv.DictReader(io.TextIOWrapper(packed, "utf-8-sig")))
    texts = {r["review"].strip(): r["label"] for r in reversed(rows) if r["review"].strip()}
    return evaluate_sentiment.evaluate(_file(work, ["text", "label"], texts.items()), seed=SEED)


def sentiment_shopping(data: Path, work: Path) -> dict[str, Any]:
    """Shopping reviews in ten categories, equal texts once, 70/10/20 by seed."""
    return _reviews(data, work, "online_shopping_10_cats")


def sentiment_hotel(data: Path, work: Path) -> dict[str, Any]:
    """Hotel reviews, equal texts once, 70/10/20 by seed."""
    return _reviews(data, work, "ChnSentiCorp_htl_all")


PARTS: dict[str, tuple[str, Callable[[Path, Path], dict[str, Any]]]] = {
    "chinese_intents": ("", chinese_intents),
    "faq_zh": ("faq_zh_en", faq_zh),
    "faq_zh_to_en": ("faq_zh_en", faq_zh_to_en),
    "faq_own_zh": ("faq_zh_en", faq_own_zh),
    "faq_en": ("bitext", faq_en),
    "bitext": ("bitext", bitext),
    "sentiment_hotel": ("chinese_reviews", sentiment_hotel),
    "sentiment_shopping": ("chinese_reviews", sentiment_shopping),
    "hwu64": ("hwu64", hwu64),
    "banking77": ("banking77", banking77),
    "clinc150": ("clinc150", clinc150),
}


def main() -> int:
    """Run the parts whose data is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    given = parser.parse_args()
    for name in given.only:
        folder, run = PARTS[name]
        if folder and not (given.data / folder).is_dir():
            print(f"skipped {name}: {given.data / folder} is missing", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as work:
            found = run(given.data, Path(work))
        text = json.dumps({"benchmark": name, **found}, ensure_ascii=False, indent=1)
        (RESULTS / f"support_{name}.json").write_text(text + "\n", "utf-8")
        shown = found.get("styles") or {n: m["metrics"] for n, m in found["models"].items()}
        print(name, json.dumps(shown, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
