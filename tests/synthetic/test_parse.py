from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.synthetic.parse import distinct, likeness, parse_list

WORDS = st.lists(
    st.sampled_from(["red", "Blue", "it's", "3.5", "co-op", "(new)", "won!"]), min_size=1, max_size=4
)
ITEMS = st.lists(
    WORDS.map(lambda words: "the " + " ".join(words)), min_size=2, max_size=6, unique_by=likeness
)
STYLES = [
    "{n}. {x}",
    "{n}) {x}",
    "({n}) {x}",
    "#{n}: {x}",
    "[{n}] {x}",
    "- {x}",
    "* {x}",
    "• {x}",
    "  {n}.  {x}  ",
    "{n}: {x}",
]
QUOTES = ["{}", '"{}"', "“{}”", "**{}**", '"{}",', "«{}»"]


@settings(max_examples=60, deadline=None)
@given(ITEMS, st.sampled_from(STYLES), st.sampled_from(QUOTES), st.data())
def test_examples_survive_their_marks(items: list[str], style: str, quote: str, data: st.DataObject) -> None:
    lines = [style.format(n=n, x=quote.format(item)) for n, item in enumerate(items, 1)]
    repeated = data.draw(st.sampled_from(lines))
    lines.insert(data.draw(st.integers(0, len(lines))), repeated.upper())
    for noise in ("", "   ", "```", "Here you are:", "I hope this helps!"):
        lines.insert(data.draw(st.integers(0, len(lines))), noise)
    found = parse_list("\n".join(lines))
    assert sorted(map(likeness, found)) == sorted(map(likeness, items))


@settings(max_examples=30, deadline=None)
@given(ITEMS, st.sampled_from(QUOTES))
def test_plain_lines(items: list[str], quote: str) -> None:
    text = "\n\n".join(map(quote.format, [*items, *items]))
    assert parse_list(f"Here are some:\n{text}\n") == parse_list(text) == items
    assert parse_list(text.replace("\n", "\r\n"), cut=True) == items
    assert parse_list("\n".join(items), cut=True) == items[:-1]


@pytest.mark.parametrize(
    ("text", "examples"),
    [
        ("", []),
        ("\n \n```\n", []),
        ("1.\n2.\n", []),
        ('""\n" "\n', []),
        ("one", ["one"]),
        ("1. one", ["one"]),
        ("3.5 million\n3.6 million", ["3.5 million", "3.6 million"]),
        ("2019. It was late.\n2020. It was early.", ["2019. It was late.", "2020. It was early."]),
        ('"a" and "b"\nc', ['"a" and "b"', "c"]),
        ("'it's fine'\nno", ["it's fine", "no"]),
        ("1. one\n   goes on\n2. two\nThat is all.\n   And more.", ["one goes on", "two"]),
        ('["one", "two  lines", "ONE"]', ["one", "two lines"]),
        ('```json\n["one",\n "two"]\n```', ["one", "two"]),
        ("[1, 2]", ["[1, 2]"]),
        ('["one", "tw', ['["one", "tw']),
        ("a) one\nb) two", ["one", "two"]),
        ("1. **bold**\n2. plain **bold**", ["bold", "plain **bold**"]),
        ("title:\nbody", ["body"]),
        ("only this:", ["only this:"]),
    ],
)
def test_odd_lists(text: str, examples: list[str]) -> None:
    assert parse_list(text) == examples


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab1.)-*\"'[] \n`:", max_size=40))
def test_anything_gives_distinct_stripped_texts(text: str) -> None:
    found = parse_list(text)
    assert all(item and item == item.strip() for item in found)
    assert len(set(map(likeness, found))) == len(found)
    assert parse_list(json.dumps(found)) == [" ".join(item.split()) for item in found] or not found


def test_what_was_seen_is_left_out() -> None:
    seen = {"a b"}
    assert distinct(["A  b", "c", "C", "d"], seen) == ["c", "d"]
    assert seen == {"a b", "c", "d"}
