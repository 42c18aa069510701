"""A folder of articles is kept in step: words, wordings and dates; a bad file is named."""

from __future__ import annotations

import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.data import support_tables
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import articles

HEAD = "---\ntitle: Returns\nkind: terms\nquestions: {questions}\nfrom: {day}\n---\n30 days.\n"


@pytest.fixture
def shop(settings):
    shop = open_shop(settings)
    yield shop
    shop.close()


def test_a_folder_is_followed_in_words_wordings_and_dates(shop, tmp_path):
    folder = tmp_path / "articles"
    folder.mkdir()
    file = folder / "returns.en.md"
    for questions, day, counted in (
        ("how long | policy", "2026-01-01", "added"),
        ("how long | policy", "2026-01-01", "same"),
        ("how long | policy | send back", "2026-01-01", "changed"),
        ("how long | policy | send back", "2026-02-01", "changed"),
        ("how long | policy | send back", "2026-02-01", "same"),
    ):
        file.write_text(HEAD.format(questions=questions, day=day), "utf-8")
        assert articles.sync(shop, folder)[counted] == 1, (questions, day)
        shop.warehouse.refresh()
    [row] = support_tables.articles(shop.warehouse)
    assert (row["version"], row["kind"]) == (3, "terms")
    file.unlink()
    assert articles.sync(shop, folder)["withdrawn"] == 1
    shop.warehouse.refresh()
    assert support_tables.articles(shop.warehouse) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("faq.fr.md", b"Bonjour"),
        ("faq.en.md", b""),
        ("faq.zh.md", "退货".encode("gb18030")),
        ("faq.en.md", b"---\nfrom: tomorrow\n---\ntext"),
        ("faq.en.md", b"---\ncolour: red\n---\ntext"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_stored(shop, tmp_path, name, content):
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.en.md").write_text("Good.", "utf-8")
    (folder / name).write_bytes(content)
    with pytest.raises(BadInput, match=name):
        articles.sync(shop, folder)
    assert shop.store.last_seq() == 0
