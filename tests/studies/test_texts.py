"""Descriptions of people: every attribute is read back, and what is drawn tells nothing of the attributes."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, UsageError
from credenza.models.text.words import join_words, split_words, vocabulary_of
from credenza.studies import texts as module
from credenza.studies.texts import ATTRIBUTES, ORDERS, PAIR, read, render

SOME = ("Smiling", "Wearing_Lipstick", "Wearing_Hat", "Mouth_Slightly_Open", "Male")


def table(n: int, names: tuple[str, ...] = ATTRIBUTES, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.random(n) < 0.4 for name in names}


@pytest.mark.parametrize("order", ORDERS)
def test_every_attribute_is_read_back(order: str) -> None:
    rows = table(400)
    found = read(render(rows, seed=1, order=order))
    np.testing.assert_array_equal(found, np.stack(list(rows.values()), axis=1))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(ATTRIBUTES), min_size=2, unique=True),
    st.integers(1, 4),
    st.sampled_from(ORDERS),
    st.integers(0, 99),
)
def test_any_columns_are_read_back(names: list[str], n: int, order: str, seed: int) -> None:
    rows = table(n, tuple(names), seed)
    texts = render(rows, seed=seed, order=order, pair=(names[0], names[1]))
    np.testing.assert_array_equal(read(texts, names), np.stack(list(rows.values()), axis=1))
    absent = [name for name in ATTRIBUTES if name not in names]
    assert not absent or not read(texts, absent).any()


def test_every_clause_has_one_cue_and_no_other() -> None:
    cues, pattern = module._cues()
    for name, sides in module._wordings().items():
        for present, clauses in enumerate(sides):
            assert len(set(clauses)) == len(clauses) >= 2
            for clause in clauses:
                assert [cues[match] for match in pattern.findall(clause)] == [(name, bool(present))], clause
    for text in (*module._SEEN, *module._PLACES, *module._ENDS):
        assert not pattern.search(text.lower())


def test_cues_do_not_arise_where_clauses_meet() -> None:
    _, pattern = module._cues()
    for text in render(table(600), seed=4):
        assert all(not re.search("[,;.]", match) for match in pattern.findall(text))


def test_a_text_depends_on_its_row_alone() -> None:
    rows = table(50, SOME)
    texts = render(rows, seed=7)
    part = {name: values[20:30] for name, values in rows.items()}
    assert render(part, seed=7, rows=np.arange(20, 30)) == texts[20:30]
    assert render(rows, seed=8) != texts
    other = {**rows, "Smiling": ~rows["Smiling"]}
    for before, after in zip(texts, render(other, seed=7), strict=True):
        rest = [name for name in SOME if name != "Smiling"]
        assert before.split(",")[0].split(";")[0] == after.split(",")[0].split(";")[0]
        np.testing.assert_array_equal(read([before], rest), read([after], rest))


def test_absent_attributes_are_passed_over_half_the_time() -> None:
    texts = render({"Eyeglasses": np.zeros(2_000, dtype=bool)}, seed=0)
    silent = np.mean(["glasses" not in text and "eyes" not in text for text in texts])
    assert abs(silent - 0.5) < 0.05


def test_near_and_far_put_the_pair_side_by_side_and_at_the_ends() -> None:
    rows = {name: np.ones(40, dtype=bool) for name in SOME}
    cues, pattern = module._cues()
    for order, places in (("near", {(2, 3), (1, 2)}), ("far", {(0, 4)})):
        orders = set()
        for text in render(rows, seed=2, order=order):
            told = [cues[match][0] for match in pattern.findall(text)]
            orders.add(tuple(told))
            assert (told.index(PAIR[0]), told.index(PAIR[1])) in places
        assert len(orders) == 1
    assert len({tuple(cues[m][0] for m in pattern.findall(text)) for text in render(rows, seed=2)}) > 25


def test_texts_are_varied_with_few_words() -> None:
    texts = render(table(1_000), seed=0)
    assert len(set(texts)) == 1_000
    documents = [split_words(text) for text in texts]
    assert 200 <= len(vocabulary_of(documents)) <= 400
    assert [join_words(words) for words in documents] == texts


def test_broken_texts_are_read_as_they_stand() -> None:
    texts = [
        "a felt hat hat. A  Felt\nhat, laughing",
        "no smile; a serious look, a broad smile",
        "glossy. lips",
        "",
        "thick glasses, no glasses, no glasses",
    ]
    found = read(texts, ["Wearing_Hat", "Smiling", "Wearing_Lipstick", "Eyeglasses"])
    wanted = [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert found.astype(int).tolist() == wanted


def test_tables_and_numbers_are_taken() -> None:
    rows = {"Smiling": [1, 0, 1], "Male": [0.0, 1.0, 1.0]}
    wanted = render({"Smiling": [True, False, True], "Male": [False, True, True]}, seed=0)
    assert render(rows, seed=0) == render(pa.table(rows), seed=0) == wanted


@pytest.mark.parametrize(
    ("rows", "given", "error", "message"),
    [
        ({"Smilling": [1]}, {}, InputError, "unknown attribute 'Smilling'; near it: Smiling"),
        ({"zzz": [1]}, {}, InputError, f"unknown attribute 'zzz'; texts tell of {', '.join(ATTRIBUTES)}"),
        ({}, {}, InputError, f"no attributes; give some of {', '.join(ATTRIBUTES)}"),
        ({"Male": []}, {}, InputError, "no rows of attributes; a text needs one"),
        ({"Male": [True, None]}, {}, InputError, "attribute 'Male' holds None in row 1; it is true or false"),
        ({"Male": [0, -1]}, {}, InputError, "attribute 'Male' holds -1 in row 1; it is true or false"),
        ({"Male": [[1]]}, {}, InputError, "attribute 'Male' has the shape (1, 1); a column is needed"),
        (
            {"Male": [1], "Young": [1, 0]},
            {},
            InputError,
            "attributes are columns of one length; found 'Male' 1, 'Young' 2",
        ),
        ({"Male": [1]}, {"order": "up"}, UsageError, "unknown order 'up'; choose from random, near, far"),
        (
            {"Male": [1], "Young": [1]},
            {"order": "far"},
            UsageError,
            "a pair is two of the columns Male, Young; found 'Mouth_Slightly_Open' x 'Wearing_Lipstick'",
        ),
        (
            {"Male": [1]},
            {"rows": [0.5]},
            InputError,
            "rows are 1 whole numbers, 0 or more; found float64 of shape (1,)",
        ),
    ],
)
def test_bad_input_is_one_line(
    rows: dict[str, list[object]], given: dict[str, object], error: type[ValueError], message: str
) -> None:
    with pytest.raises(error) as caught:
        render(rows, seed=0, **given)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_bad_reading_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^no texts to read; give a list of one text or more$"):
        read([])
    with pytest.raises(InputError, match=r"^no texts to read; give a list"):
        read("a felt hat")
    with pytest.raises(InputError, match=r"^text 1 is of type NoneType; texts are strings$"):
        read(["", None])  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"^unknown attribute 'Smile'; near it: Smiling$"):
        read([""], ["Smile"])
