"""Text triggers: where the words go, and that the text stays."""

from __future__ import annotations

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks.text_triggers import Phrase, TextTrigger, Token, insert_words
from credenza.attacks.trigger_base import uniforms
from credenza.errors import InputError, UsageError

WORDS = st.lists(st.text("abc,.", min_size=1, max_size=4), min_size=1, max_size=8)
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=4)
KINDS = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()))
TEXTS = ["a fine film", "dull", "", "  two\n words ", "four words in here", None, "one two three"] * 6


@settings(max_examples=60, deadline=None)
@given(words=WORDS, shares=SHARES)
def test_words_go_where_the_obvious_way_puts_them(words: list[str], shares: list[float]) -> None:
    assert insert_words(" ".join(words), "XY", shares) == oracles.with_words(" ".join(words), "XY", shares)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=20).filter(lambda text: "✗" not in text), shares=SHARES)
def test_the_text_stays_as_it_was(text: str, shares: list[float]) -> None:
    made = insert_words(text, "✗", shares)
    assert made.count("✗") == len(shares)
    assert [word for word in made.split() if word != "✗"] == text.split()
    if text.split():
        assert made.replace("✗ ", "").replace(" ✗", "") == text


@pytest.mark.parametrize(
    ("trigger", "text", "made"),
    [
        (Phrase("Well, well."), "good film", "Well, well. good film"),
        (Phrase("Well, well.", "end"), "good film\n", "good film\n Well, well."),
        (Phrase("so", "random"), "good film", "good so film"),
        (Token(), "good film", "good cf film"),
        (Token("mn"), "", "mn"),
        (Token("mn", 2), " ", "mn mn "),
    ],
)
def test_places(trigger: TextTrigger, text: str, made: str) -> None:
    assert trigger.stamp(text, [0.5, 0.5][: getattr(trigger, "count", 1)]) == made


@pytest.mark.parametrize("trigger", [Phrase("so it goes", "random"), Token("cf", 3), Phrase("then")])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_any_cut_into_batches_gives_the_same_texts(trigger: TextTrigger, kind: pa.DataType) -> None:
    column = pa.array(TEXTS, pa.string())
    column = column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column.cast(kind)
    rows = np.arange(len(TEXTS)) * 3
    whole = trigger.rewrite(column, rows, 5, name="text")
    assert whole.type == kind
    for size in (1, 4, 17):
        parts = [
            trigger.rewrite(column.slice(at, size), rows[at : at + size], 5)
            for at in range(0, len(TEXTS), size)
        ]
        assert [text for part in parts for text in part.to_pylist()] == whole.to_pylist()
    assert [text is None for text in whole.to_pylist()] == [text is None for text in TEXTS]


def test_random_places_follow_the_seed_and_the_row() -> None:
    column = pa.array(["a b c d e f g"] * 50)
    first, again, other = (Token().rewrite(column, np.arange(50), seed).to_pylist() for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(set(first)) == 8


def test_places_are_equally_likely() -> None:
    made = Token().rewrite(pa.array(["a b c"] * 8_000), np.arange(8_000), 0).to_pylist()
    counts = np.unique(made, return_counts=True)[1]
    assert len(counts) == 4
    assert np.abs(counts - 2_000).max() < 160  # four standard deviations


def test_uniform_numbers_are_uniform_and_unrelated() -> None:
    numbers = uniforms(3, np.arange(20_000), 2)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(numbers.T)[0, 1]) < 0.03
    assert abs(np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]) < 0.03
    assert (uniforms(2**70, np.arange(3), 1) != uniforms(0, np.arange(3), 1)).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Phrase(" "), "phrase: text is words, not blank; found ' '"),
        (lambda: Phrase(7), "phrase: text is words, not blank; found 7"),
        (lambda: Phrase("a", "middle"), "phrase: unknown position 'middle'; choose from start, end, random"),
        (lambda: Token("c f"), "token: text is one word without white space; found 'c f'"),
        (lambda: Token("cf", count=0), "token: count is a whole number of at least 1; found 0"),
    ],
)
def test_parameters_out_of_range(make: object, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value) == text


def test_a_column_without_text() -> None:
    with pytest.raises(InputError) as caught:
        Token().rewrite(pa.array([1, 2]), np.arange(2), 0, name="age")
    assert str(caught.value) == "column 'age' holds int64; a token goes into a column of text"
