"""Both languages say everything, no template speaks by itself, static files are what they claim."""

from __future__ import annotations

import hashlib
import re
import string
from pathlib import Path

import pytest
from shopfront import Front, token
from starlette.requests import Request

from shopkeeper.console import formats, speech
from shopkeeper.console.assets import STATIC, read_assets
from shopkeeper.data import quality
from shopkeeper.data.events import KINDS
from shopkeeper.recommend.policy import FORBIDDEN
from shopkeeper.recommend.schema import PLACEMENTS

TEMPLATES = sorted((STATIC.parent / "templates").rglob("*.html"))
SPOKEN = ("alt", "title", "placeholder", "aria-label")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def bare_text(template: str) -> list[str]:
    """Return words that stand in a template itself, outside tags, expressions and comments."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", template, flags=re.DOTALL)
    spoken = re.findall(rf'(?:{"|".join(SPOKEN)})="([^"]*)"', text)
    outside = re.sub(r"<[^>]*>", " ", text)
    return re.findall(r"[^\W\d_]+", " ".join([outside, *spoken]))


def test_both_languages_have_the_same_keys_and_blanks():
    english, chinese = speech.words("en"), speech.words("zh")
    assert english.keys() == chinese.keys()
    assert {k for k in english if blanks(english[k]) != blanks(chinese[k])} == set()
    assert [k for k, v in {**english, **chinese}.items() if not v.strip()] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_no_template_contains_bare_text(path: Path):
    assert bare_text(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "twin", ["<p>Hello</p>", '<img alt="A shop">', "<b>{{ x }} 行</b>", '<input title="Go">']
)
def test_the_rule_against_bare_text_catches_its_broken_twin(twin: str):
    assert bare_text(twin) != []


def test_every_key_that_a_template_names_has_words():
    named = set()
    for path in TEMPLATES:
        named |= set(re.findall(r'\bt\("([\w.]+)"\s*[,)]', path.read_text("utf-8")))
    assert named - speech.words("en").keys() == set()


def test_what_the_data_names_has_words():
    words = speech.words("zh")
    assert [k for k in KINDS if f"kind.{k}" not in words] == []
    assert [p for p in PLACEMENTS if f"placement.{p}" not in words] == []
    assert [c for c in FORBIDDEN[1:] if f"why_not.{c}" not in words] == []
    assert [c for c in quality.checks() if f"check.{c}" not in words] == []
    assert [c for c in quality.checks() if f"check_says.{c}" not in words] == []


def test_english_words_of_checks_are_those_of_the_checks():
    words = speech.words("en")
    for name, check in quality.checks().items():
        assert words[f"check_says.{name}"] == f"{check.says} {check.hint}"


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr,en;q=0.8,zh;q=0.9", "zh"),
        ("fr;q=1, de", "en"),
        ("en-GB,zh", "en"),
        ("zh;q=nonsense,en;q=0.1", "en"),
    ],
)
def test_the_browser_gets_the_language_it_prefers(wish: str, language: str):
    scope = {"type": "http", "headers": [(b"accept-language", wish.encode())]}
    assert speech.language_of(Request(scope)) == language


def test_the_language_switch_is_remembered(front: Front):
    browser = front.signed_in()
    page = browser.get("/console/models").text
    data = {"csrf": token(page), "language": "zh", "back": "/console/models"}
    answer = browser.post("/console/language", data=data)
    assert answer.headers["location"] == "/console/models"
    assert "模型" in browser.get("/console/models").text


def test_vendored_files_are_what_was_published():
    folder = STATIC / "vendor"
    lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split() for line in lines)}
    assert {"htmx.min.js", "echarts.min.js", "htmx.LICENSE", "echarts.NOTICE"} <= listed.keys()
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    scripts = {path.name for path in folder.glob("*.js")}
    assert scripts <= listed.keys()


def test_an_asset_address_names_its_content_and_may_be_kept(front: Front):
    browser = front.client()
    for asset in read_assets().values():
        answer = browser.get(f"/console/static/{asset.address}")
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest().startswith(asset.address.split("/")[0])
        assert "immutable" in answer.headers["cache-control"]
    assert browser.get("/console/static/000000000000/console.css").status_code == 404
    assert browser.get("/console/static/../routes.py").status_code in (303, 404)


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        (123456, "USD", "en", "$1,234.56"),
        (123456, "USD", "zh", "US$1,234.56"),
        (5, "CNY", "zh", "¥0.05"),
        (1999, "JPY", "en", "¥1,999"),
        (1234567, "KWD", "en", "KWD\u00a01,234.567"),
        (-250, "EUR", "en", "−€2.50"),
        (9_007_199_254_740_993, "USD", "en", "$90,071,992,547,409.93"),
        (None, "USD", "en", "–"),
    ],
)
def test_money_is_written_by_its_currency(minor, currency, language, text):
    assert formats.money(minor, currency, language) == text


def test_a_moment_carries_its_utc_time_for_the_tooltip():
    assert formats.moment(1_769_904_000_000_000) == (
        '<time datetime="2026-02-01T00:00:00Z" data-form="minute" '
        'title="2026-02-01 00:00:00 UTC">2026-02-01 00:00</time>'
    )


def unclosed(sheet: str) -> list[str]:
    """Return the top-level rules of a style sheet that begin inside another one."""
    depth, faults = 0, []
    for number, line in enumerate(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL).split("\n"), 1):
        nested = line.startswith((" ", "}"))
        if depth and line.strip() and not nested and "{" in line:
            faults.append(f"line {number}: {line[:60]}")
        depth += line.count("{") - line.count("}")
    return faults if depth == 0 else [*faults, f"{depth} braces stay open"]


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(STATIC.rglob("*.css")) if "vendor" not in p.parts],
    ids=lambda p: p.name,
)
def test_every_rule_of_a_style_sheet_is_closed(path: Path):
    assert unclosed(path.read_text("utf-8")) == []


def test_an_open_rule_is_caught():
    assert unclosed("a {\nb { color: red; }\nc { color: red; }\n") != []
