"""Sides of reviews are read as a person marked them, on lines that no word was chosen by."""

from __future__ import annotations

from pathlib import Path

from shopkeeper.language import aspect_marks
from shopkeeper.language.opinions import feel

MARKED = aspect_marks.parse(
    (Path(__file__).parent / "data" / "aspects.txt").read_text("utf-8").splitlines()
)


def test_there_are_at_least_150_marked_sentences_in_both_languages():
    assert len(MARKED) >= 150
    assert min(sum(x.text.isascii() is en for x in MARKED) for en in (True, False)) >= 70


def test_the_held_out_half_is_read_with_few_false_and_few_missed_judgements():
    right, read, marked = aspect_marks.counted(MARKED[1::2])["all"]
    assert right / read >= 0.92
    assert right / marked >= 0.78


def test_the_feeling_of_the_whole_text_is_a_worse_judge():
    both = [one for one in MARKED if len({sign for _, sign in one.sides}) == 2]
    assert len(both) >= 8
    pieces = sum(aspect_marks.read(one.text) == one.sides for one in both)
    whole = sum(
        {(side, 1 if feel(one.text).score > 0 else -1) for side, _ in one.sides} == one.sides
        for one in both
    )
    assert whole == 0 < pieces
