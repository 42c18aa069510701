"""Measure text, map and two towers on a Chinese catalogue, and across Chinese and English.

    python benchmarks/quality/chinese.py

No public Chinese catalogue with purchases may be used here, so the shop is made up and seeded:
src/shopkeeper/simulate/bilingual_shop.py, 1,500 products, 3,000 customers, every title in both
languages. What it shows is that the models read Chinese; how well they would do in a real shop it
cannot say, since its titles tell most of what decides.

- ``new``: the protocol of content.py on Chinese titles, brands, categories and prices. Popularity
  knows nothing of a new product: it is the order of chance.
- ``all``: each customer's last product among all 1,500, by text alike, against popularity.
- ``english_newcomers``: as ``new``, but the new products' entries are English, titles alone.
- ``across``: for each Chinese title, the place of its English twin among all English titles.

Writes benchmarks/results/content_chinese.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from content import SEED, Cut, asked_of, cuts, measure, shelf_of

from shopkeeper.language.embedder import sentence_embedder
from shopkeeper.learn import report
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.entries import Entries
from shopkeeper.recommend.models.neighbours import ItemKnn
from shopkeeper.recommend.models.popularity import Popularity
from shopkeeper.recommend.models.text import Text
from shopkeeper.recommend.models.wording import Wording
from shopkeeper.recommend.schema import Interactions, Training
from shopkeeper.simulate.bilingual_shop import BilingualShop, bilingual_shop

RESULTS = Path(__file__).parents[1] / "results"
K = 10


def training(shop: BilingualShop) -> tuple[Training, np.ndarray]:
    """Return all but each customer's last product as Training, and those last ones."""
    n_users = int(shop.user.max()) + 1
    ends = np.searchsorted(shop.user, np.arange(n_users), side="right") - 1
    past = np.ones(len(shop.user), dtype=bool)
    past[ends] = False
    user, item = shop.user[past], shop.item[past]
    step = np.arange(len(user)) - np.searchsorted(user, user)
    log = Interactions(
        user=user,
        item=item,
        at_us=step.astype(np.int64),
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=np.arange(len(user)),
        user_ids=[str(one) for one in range(n_users)],
        item_ids=[f"{one:04}" for one in range(len(shop.shelf))],
    )
    data = Training(
        interactions=log,
        as_of_us=int(step.max()) + 1,
        item_text=_texts(shop, "zh"),
        item_category=shop.categories["zh"],
        item_price_minor=shop.price_minor,
        item_brand=shop.brands["zh"],
    )
    return data, shop.item[ends]


def _texts(shop: BilingualShop, language: str) -> list[str]:
    parts = (shop.titles[language], shop.brands[language], shop.categories[language])
    return [" ".join(one) for one in zip(*parts, strict=True)]


def everything(data: Training, last: np.ndarray) -> dict[str, Any]:
    """Return the quality of each customer's last product among all, seen ones masked."""
    subjects = np.flatnonzero(np.bincount(data.interactions.user, minlength=len(last)) > 0)
    whole = np.ones(len(data.interactions.item_ids), dtype=bool)
    cut = Cut(data=data, shelf=whole, asked=asked_of(data, subjects), wanted=last[subjects])
    models = {"popularity": Popularity(1e6), "item-knn": ItemKnn(), "text": Text()}
    found = {}
    for name, model in models.items():
        scores = np.array(model.fit(data).scores(cut.asked), dtype=np.float64)
        scores[cut.asked.subject, cut.asked.item] = -1.0
        found[name] = shelf_of(scores, whole, cut.wanted)
    return _told(found, "popularity")


def newcomers(data: Training, last: np.ndarray, shop: BilingualShop) -> dict[str, Any]:
    """Return the new shelf where its entries are English titles, in a shop told in Chinese."""
    _, judge = cuts(replace(data, item_text=shop.titles["zh"]), last)
    bare = replace(judge.data, item_category=(), item_brand=(), item_price_minor=None)
    rows = judge.shelf.tolist()
    pair = zip(shop.titles["zh"], shop.titles["en"], rows, strict=True)
    mixed = replace(bare, item_text=[en if new else zh for zh, en, new in pair])
    found = {}
    for name, told in (("chinese", bare), ("english", mixed)):
        # The words and the map are learned on what the shop had: Chinese titles.
        sold = zip(bare.item_text, rows, strict=True)
        known = replace(bare, item_text=["" if new else text for text, new in sold])
        entries = Entries().fit(known)
        wording = Content(entries=entries, share=0.0).fit(told).scores(judge.asked)
        made = Content(entries=entries, share=0.7).fit(told).scores(judge.asked)
        found[f"{name} entries, wording"] = shelf_of(wording, judge.shelf, judge.wanted)
        found[f"{name} entries, content"] = shelf_of(made, judge.shelf, judge.wanted)
    chance = np.zeros((len(judge.wanted), len(rows)))
    found["popularity (chance)"] = shelf_of(chance, judge.shelf, judge.wanted)
    return _told(found, "popularity (chance)")


def across(shop: BilingualShop) -> dict[str, Any]:
    """Return how high the English twin of each Chinese title stands among English titles."""
    zh, en = shop.titles["zh"], shop.titles["en"]
    wording = Wording(dimensions=256).fit([*zh, *en])
    encoder = sentence_embedder()
    rows = {
        "words and letters": (wording.vectors(zh), wording.vectors(en)),
        "encoder": (encoder.encode(zh), encoder.encode(en)),
    }
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, (left, right) in rows.items():
        scores = left @ right.T
        own = np.diag(scores)[:, None]
        rank = (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        found[name] = {
            "twin_recall_at_1": (rank < 1).astype(float),
            "twin_recall_at_10": (rank < K).astype(float),
            "same_shelf_in_10": (shop.shelf[best] == shop.shelf[:, None]).mean(axis=1),
        }
    told = _told(found, None)
    n = len(zh)
    told["chance"] = {"twin_recall_at_1": round(1 / n, 5), "twin_recall_at_10": round(K / n, 5)}
    return told


def _told(found: dict[str, dict[str, np.ndarray]], baseline: str | None) -> dict[str, Any]:
    models = {}
    for name, values in found.items():
        means, spans = report.summary(values, SEED)
        models[name] = {"metrics": means, "interval_95": spans}
        if baseline is not None and name != baseline:
            models[name]["against_baseline"] = report.against(
                values["ndcg_at_10"], found[baseline]["ndcg_at_10"], SEED
            )
    return {"judged": len(next(iter(found[next(iter(found))].values()))), "models": models}


def main() -> int:
    """Measure all four and keep the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=SEED)
    seed = parser.parse_args().seed
    shop = bilingual_shop(seed)
    data, last = training(shop)
    kept = {
        "made_by": "python benchmarks/quality/chinese.py",
        "data": {
            "made_up": "src/shopkeeper/simulate/bilingual_shop.py",
            "seed": seed,
            "products": len(shop.shelf),
            "customers": len(last),
            "purchases": len(shop.user),
            "titles": shop.titles["zh"][:3],
        },
        "encoder": sentence_embedder().name,
        "new": measure(data, last),
        "all": everything(data, last),
        "english_newcomers": newcomers(data, last, shop),
        "across": across(shop),
    }
    if seed == SEED:
        path = RESULTS / "content_chinese.json"
        path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for part in ("new", "all", "english_newcomers", "across"):
        print(part, json.dumps({n: m["metrics"] for n, m in kept[part]["models"].items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
