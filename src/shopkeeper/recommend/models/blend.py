"""The model that is served: several sources, each scaled per subject, added with chosen weights.

score_j = sum over sources s of  weight[task, s] * raw_s,j / max_j raw_s,j * trend_j ^ power

Linear, so that a candidate's score is the sum of its sources' shares, and a share the sum of
what each history item gave to it. Trend (how present an item is now against its whole past)
multiplies what other people's purchases say, never what the customer's own repeats say. Tasks
have weights of their own: "all" ranks everything, "repeat" what the customer took before,
"discovery" what is new to them, "similar" what goes with the items on the page. Settings and
weights are chosen on validation (study.py), never on test rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.models import causes, fusion, histories, holdout, kept, shelf, study
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.fusion import Study, scaled
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.memo import Memo, key_of
from shopkeeper.recommend.models.newcomers import Newcomers
from shopkeeper.recommend.models.popularity import live
from shopkeeper.recommend.models.ranker import DEPTH, Ranker, best_of, masked, merged
from shopkeeper.recommend.models.shortlist import Shortlist
from shopkeeper.recommend.models.source import CANDIDATES, ItemRows, Source, top
from shopkeeper.recommend.models.strangers import Strangers
from shopkeeper.recommend.models.young import distinct, push_of
from shopkeeper.recommend.schema import Features, Prediction, Training

TASK_OF = {
    "home": "all",
    "buy_again": "repeat",
    "product": "similar",
    "bought_together": "similar",
    "cart": "similar",
    "trending": "trending",
}
EXPLAINED = 30  # candidates that get their because; a page never shows more
# A source whose weight is below this share of the largest cannot move a first page; serving
# spares its cost.
WHISPER = 0.005
LIFTED = ("home", "cart", "trending")
ADDED = "ranker"  # the column of what the trees add to the sources' shares
ATTRIBUTES = "attributes"  # the column of popularity where a customer's attributes lift it
LIVE = "popularity"  # taken from the features at serving time, so that it follows each event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fused:
    """One request's candidates (m,) in the blend's order, and the scores they came from."""

    rows: np.ndarray  # rows of the features' items in the model, -1 unknown
    placed: np.ndarray  # the same with new products behind the model's, for the content source
    asked: Histories
    asked_placed: Histories
    raws: dict[str, np.ndarray]
    scales: dict[str, np.float32]
    picked: np.ndarray
    score: np.ndarray
    parts: np.ndarray
    lifted: bool  # whether the customer's attributes changed what is popular


class Blend:
    """Fuse sources by task. ``study`` given: its choices are frozen; None: chosen on fitting."""

    name = "blend"

    def __init__(
        self,
        study: Study | None = None,
        *,
        protocol: str = "time",
        ranker: Ranker | None = None,
        strangers: Strangers | None = None,
    ) -> None:
        self.study, self.protocol, self.ranker = study, protocol, ranker
        self.strangers_ = strangers  # fitted already
        self.ranker_: Ranker | None = None
        self._rows: ItemRows | None = None
        self._powers: dict[float, np.ndarray] = {}
        self._welcome(None)

    def _welcome(self, content: Source | None) -> None:
        """Begin anew with what came after training."""
        self._memo = Memo()
        self._newcomers = Newcomers(content if isinstance(content, Content) else None)
        self._remembered = 0
        self._shortlist = Shortlist()

    def fit(self, data: Training, fitted: Mapping[str, Source] | None = None) -> Self:
        """Choose on the last period if nothing is frozen, then fit the sources used on all.

        ``fitted``: sources already fitted on exactly this data, to be used as they are.
        """
        self.study_ = self.study or study.choose(data, protocol=self.protocol)
        used = {n for ws in self.study_.weights.values() for n, w in ws.items() if w > 0}
        self.item_ids_: Sequence[str] = data.interactions.item_ids
        self.sources_: dict[str, Source] = {}
        for name in sorted({*used, LIVE}):
            given = (fitted or {}).get(name)
            made = shelf.make(name, self.study_.settings.get(name, {}))
            self.sources_[name] = given if given is not None else made.fit(data)
        self.trend_ = study.trend_of(data, holdout.horizon_days(data))
        self.ranker_ = None if self.ranker is None else self.ranker.refit_facts(data, self.trend_)
        self._rows, self._powers = None, {}
        self._welcome(self.sources_.get(Content.name))
        return self

    def _weights(self, task: str) -> dict[str, float]:
        """Return the sources that count, by name: sums in one order give the same last digit."""
        return {name: w for name, w in sorted(self.study_.weights[task].items()) if w > 0}

    def _trend(self, task: str, name: str) -> np.ndarray | None:
        """Return what a source's scores are multiplied with on a task; None is nothing."""
        power = self.study_.trend.get(task, 0.0)
        if not power or name in shelf.UNTRENDED:
            return None
        if power not in self._powers:
            self._powers[power] = self.trend_ ** np.float32(power)
        return self._powers[power]

    def scores(self, asked: Histories, task: str = "all") -> np.ndarray:
        """Return (n_subjects, n_items) scores, for measuring many subjects at once.

        Where trees order the task, what they order stands above the rest, best 1.
        """
        ranker = self.ranker_
        names = self._weights(task).keys()
        if ranker is None or not ranker.has(task):
            raws = {n: self.sources_[n].scores(asked) for n in names}
            return self.fused(raws, task, distinct(asked))
        needed = sorted({*names, *ranker.sources_})
        raws = {name: self.sources_[name].scores(asked) for name in needed}
        total = self.fused(raws, task, distinct(asked))
        seen = fusion.seen_mask(asked, total.shape[1])
        ranked = masked(total, task, seen)
        for row in range(asked.n_subjects):
            picked = best_of(ranked[row])
            one = {name: raw[row] for name, raw in raws.items()}
            total[row] *= np.float32(0.5 / (float(total[row].max()) or 1.0))
            if len(picked):
                asked_one, blend = asked.chunk(row, row + 1), ranked[row, picked]
                order, _ = ranker.rank(task, asked_one, picked, blend, one)
                total[row, picked[order]] = np.linspace(1.0, 0.6, len(order), dtype=np.float32)
        return total

    def fused(
        self, raws: Mapping[str, np.ndarray], task: str, lines: np.ndarray | None = None
    ) -> np.ndarray:
        """Return (n_subjects, n_items) weighted sums of raw scores, the blend without trees.

        ``lines`` (n_subjects,): distinct items of each history; few of them push popularity.
        """
        first = next(iter(raws.values()))
        total = np.zeros(first.shape, dtype=np.float32)
        for name, weight in self._weights(task).items():
            own = self.sources_[name].own_scale
            scale = np.float32(1) if own else scaled(raws[name])
            part: np.ndarray = raws[name] * (np.float32(weight) / scale)
            trend = self._trend(task, name)
            total += part if trend is None else part * trend
        if lines is not None and LIVE in raws:
            more = push_of(self.study_, task, lines).astype(np.float32)[:, None]
            if more.any():
                total += more * raws[LIVE] / scaled(raws[LIVE])
        return total

    def predict(self, features: Features) -> Prediction:
        """Return up to 300 candidates for one request, best first, with shares and because."""
        task = TASK_OF[features.placement]
        if task == "trending":  # cheap, and all of it is other people's doing
            return self._predict(task, features)
        self._place(features)
        key = key_of(task, features, context_only=task == "similar")
        known = self._memo.get(key, features.as_of_us)
        if known is None:
            known = self._predict(task, features)
            self._memo.put(key, features.as_of_us, known)
        return known

    def _predict(self, task: str, features: Features) -> Prediction:
        made = self._fuse(task, features)
        picked, score, parts = made.picked, made.score, made.parts
        names = tuple(ATTRIBUTES if n == LIVE and made.lifted else n for n in made.raws)
        if self.ranker_ is not None and self.ranker_.has(task) and len(picked):
            picked, score, parts = self._ordered(task, made)
            names = (*names, ADDED)
        shown = picked[:EXPLAINED]
        known = shown[made.placed[shown] >= 0]
        factor = self._factors(task, made, known)
        because: Mapping[int, list[tuple[int, float]]]
        if task == "similar":
            because = self._because(features, (made.asked, made.asked_placed), known, factor)
        else:
            # Of a long history; and most items of such a slate are told by habit or by sales.
            # Kept for a minute, so nothing as wide as the catalogue may hang on it.
            rows, placed = made.rows, made.placed
            because = causes.Later(
                lambda: self._because(
                    features, histories.with_new(features, rows, placed), known, factor
                )
            )
        return Prediction(
            item=picked.astype(np.int32), score=score, sources=names, parts=parts, because=because
        )

    def _place(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Return the model's rows of the request's items, without and with new products.

        What was remembered before a product came, or moved, is forgotten.
        """
        if self._rows is None:
            self._rows = ItemRows(self.item_ids_)
        rows = self._rows.of(features.item_ids)
        placed = self._newcomers.rows(features, rows)
        if self._remembered != self._newcomers.version:
            self._memo, self._remembered = Memo(), self._newcomers.version
        return rows, placed

    def _fuse(self, task: str, features: Features) -> _Fused:
        """Return the candidates of one request in the blend's order, and what they came from."""
        rows, placed = self._place(features)
        asked, asked_placed = histories.with_new(features, rows, placed, alone=task == "similar")
        lift = None
        if self.strangers_ is not None and features.placement in LIFTED:
            lift = self.strangers_.lift(features.attributes)
        raws: dict[str, np.ndarray] = {}
        scales: dict[str, np.float32] = {}
        # One place more than items: row -1, an item the model has never seen, reads a zero.
        ours = np.zeros(len(self.item_ids_) + len(self._newcomers.vectors) + 1, dtype=np.float32)
        for name, weight in self._asked_now(task, asked).items():
            raws[name] = raw = self._raw(name, features, asked, asked_placed)
            if name == LIVE and lift is not None:
                raws[name] = raw = raw * np.where(rows >= 0, lift[rows], 1)[: len(raw)]
            whole = self.sources_[name].own_scale
            peak = 1.0 if whole else float(raw.max(initial=0)) or 1.0
            scales[name] = np.float32(weight / peak)
            if name != LIVE:
                share = raw * scales[name]
                trend = self._trend(task, name)
                if trend is not None:
                    share *= trend
                ours[: len(share)] += share
        # Where new products stand behind the others, their source speaks of everything anyway.
        may = None
        if placed is rows and self._rows is not None:
            may = self._shortlist.rows(ours[:-1], self._rows.back, raws.get(LIVE), len(rows))
        total = ours[placed] if may is None else ours[placed[may]]
        if (sold := raws.get(LIVE)) is not None:
            inside = slice(len(sold)) if may is None else may < len(sold)
            total[inside] += (sold if may is None else sold[may[inside]]) * scales[LIVE]
        if task == "repeat":
            mine = np.zeros(len(rows), dtype=bool)
            mine[features.history.item[features.history.kind == histories.PURCHASE]] = True
            total *= mine if may is None else mine[may]
        best = top(total, CANDIDATES)
        best = best[total[best] > 0]
        picked = best if may is None else may[best]
        made = _Fused(
            rows=rows,
            placed=placed,
            asked=asked,
            asked_placed=asked_placed,
            raws=raws,
            scales=scales,
            picked=picked,
            score=total[best],
            parts=np.zeros((len(picked), len(raws)), dtype=np.float32),
            lifted=lift is not None,
        )
        for at, (name, raw) in enumerate(raws.items()):
            mine_rows = picked if name == LIVE else placed[picked]
            inside = (mine_rows >= 0) & (mine_rows < len(raw))
            held = mine_rows[inside]
            made.parts[inside, at] = raw[held] * self._at(task, made, name, held)
        return made

    def _at(self, task: str, made: _Fused, name: str, of: np.ndarray) -> Any:
        """Return what a source's raw score is multiplied with at some of its rows."""
        trend = self._trend(task, name)
        scale = made.scales[name]
        return scale if trend is None else scale * trend[of]

    def _factors(self, task: str, made: _Fused, known: np.ndarray) -> causes.Factors:
        """Return source -> (places in ``known``, its rows there, what multiplies what it says)."""
        of = made.placed[known]
        found = {}
        for name, raw in made.raws.items():
            if name != LIVE:
                at = np.flatnonzero(of < len(raw))
                rows = of[at]
                by = np.where(raw[rows] > 0, self._at(task, made, name, rows), 0)
                found[name] = (at, rows, by)
        return found

    def why(self, features: Features, item: int) -> dict[str, Any] | None:
        """Return what the trees saw in one candidate: each column's addition to its raw score.

        ``item`` a row of ``features.item_ids``; None where no trees ordered it.
        """
        task = TASK_OF[features.placement]
        if self.ranker_ is None or not self.ranker_.has(task):
            return None
        made = self._fuse(task, features)
        known, theirs = self._for_trees(made)
        place = np.flatnonzero(made.picked[known] == item)
        if not len(place):
            return None
        rows, blend = made.rows[made.picked[known]], made.score[known]
        adds = self.ranker_.adds(task, made.asked, rows, blend, theirs, int(place[0]))
        return {"raw": sum(adds.values()), "adds": adds}

    def _for_trees(self, made: _Fused) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the places that trees order, and the raw scores of their sources."""
        assert self.ranker_ is not None
        known = np.flatnonzero(made.rows[made.picked] >= 0)[:DEPTH]
        theirs = {
            name: made.raws[name][: len(self.item_ids_)]
            if name in made.raws and name != LIVE
            else self.sources_[name].score_one(made.asked)
            for name in self.ranker_.sources_
        }
        return known, theirs

    def _ordered(self, task: str, made: _Fused) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return candidates, scores and parts in the trees' order, with their column at the end.

        A score is the probability of a purchase. The sources' shares keep their proportions; the
        last column is what the trees add to them or take away. Items that training did not know
        stay where the blend has them: behind as many of the others as there.
        """
        assert self.ranker_ is not None
        known, theirs = self._for_trees(made)
        if not len(known):
            none = np.zeros(len(made.picked), np.float32)
            return made.picked, made.score, np.column_stack([made.parts, none])
        rows, blend = made.rows[made.picked[known]], made.score
        order, chance = self.ranker_.rank(task, made.asked, rows, blend[known], theirs)
        rest = np.setdiff1d(np.arange(len(made.picked)), known)
        place, score = merged(known, rest, order, chance, blend)
        shares = made.parts[place] * np.float32(float(score[0]) / (float(blend.max()) or 1.0))
        added = score - shares.sum(axis=1)
        return made.picked[place], score, np.column_stack([shares, added]).astype(np.float32)

    def _asked_now(self, task: str, asked: Histories) -> dict[str, float]:
        """Return the sources worth asking for one request: those that can move the first page.

        Trees were taught on the whole sum and read every source, so for them nothing is spared.
        """
        weights = self._weights(task)
        if len(asked.item) and self.study_.young.get(task):
            more = float(push_of(self.study_, task, distinct(asked))[0])
            weights[LIVE] = weights.get(LIVE, 0.0) + more
        if self.ranker_ is not None and self.ranker_.has(task):
            return weights
        least = WHISPER * max(weights.values(), default=0.0)
        return {name: weight for name, weight in weights.items() if weight >= least}

    def _raw(
        self, name: str, features: Features, asked: Histories, asked_placed: Histories
    ) -> np.ndarray:
        """Return a source's raw scores for one request; popularity is the live one."""
        if name == LIVE:
            return live(features)
        source = self.sources_[name]
        if isinstance(source, Content):
            return source.score_with(asked_placed, self._newcomers.vectors)
        return source.score_one(asked)

    def _because(
        self,
        features: Features,
        asked: tuple[Histories, Histories],
        known: np.ndarray,
        factor: causes.Factors,
    ) -> dict[int, list[tuple[int, float]]]:
        arrived = self._newcomers.vectors
        shares = causes.shares(self.sources_, asked, arrived, len(known), factor)
        return causes.strongest(features, shares, known) if shares.size else {}

    def to_artefact(self) -> Artefact:
        """Return all sources in one artefact; arrays are named ``source/array``."""
        return kept.write(self)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the blend that ``to_artefact`` wrote."""
        made = cls(kept.study_of(artefact), protocol=artefact.facts["protocol"])
        kept.read(made, artefact)
        made._welcome(made.sources_.get(Content.name))
        return made
