from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import words_present_by_search

from credenza.data.features import (
    TextMeasure,
    document_frequencies,
    fit_text,
    frequent_terms,
    stop_words_of,
    tokens_of,
)
from credenza.errors import InputError, UsageError

word = st.sampled_from(["plot", "Cast", "it's", "éclair", "a", "not", "at", "all", "1999"])
text = st.lists(word, max_size=12).map(" ".join)


@settings(deadline=None, max_examples=25)
@given(st.text(max_size=60))
def test_tokens_of_tokens_are_the_same(value: str) -> None:
    tokens = tokens_of(value)
    assert tokens_of(" ".join(tokens)) == tokens


def test_spellings_of_one_word_are_one() -> None:
    assert tokens_of("E\u0301CLAIR éclair, isn\u2019t_ISN'T 'quoted'") == [
        "éclair",
        "éclair",
        "isn't",
        "isn't",
        "quoted",
    ]


@settings(deadline=None, max_examples=25)
@given(st.lists(text, min_size=1, max_size=8))
def test_presence_is_what_a_search_finds(texts: list[str]) -> None:
    terms, phrases = ["plot", "cast", "it's", "éclair"], ["not at all", "cast"]
    measure = TextMeasure(terms, phrases)
    arrays = measure.arrays([measure.read("row", value) for value in texts])
    names = [field.name for field in measure.fields]
    assert names == ["words", *(f"word:{t}" for t in terms), *(f"phrase:{p}" for p in phrases)]
    assert arrays[0].to_pylist() == [len(tokens_of(value)) for value in texts]
    for sought, array in zip([*terms, *phrases], arrays[1:], strict=True):
        assert array.to_pylist() == [words_present_by_search(value, sought) for value in texts]


@settings(deadline=None, max_examples=25)
@given(st.lists(text, max_size=8), st.integers(0, 5), st.floats(0, 1), st.floats(0, 1))
def test_terms_are_the_most_frequent_within_bounds(texts: list[str], most: int, a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    documents, counts = document_frequencies(texts)
    assert documents == len(texts)
    chosen = frequent_terms(documents, counts, most=most, min_share=low, max_share=high)
    inside = {t: n for t, n in counts.items() if low * len(texts) <= n <= high * len(texts) and len(t) > 1}
    assert len(chosen) == min(most, len(inside))
    assert sorted(chosen, key=lambda t: (-inside[t], t)) == list(chosen)
    left = inside.keys() - set(chosen)
    assert not chosen or all(inside[term] <= inside[chosen[-1]] for term in left)


def test_stop_words_are_left_out_when_asked() -> None:
    texts = ["The plot", "the cast", "THE plot isn't"]
    assert fit_text(texts, max_share=1).terms == ("the", "plot", "cast", "isn't")
    assert fit_text(texts, max_share=1, stop_words="english").terms == ("plot", "cast")


def test_a_table_of_phrases_alone() -> None:
    measure = fit_text(["The plot."], terms=0, phrases=["The Plot!"])
    assert measure.phrases == ("the plot",)
    assert measure.settings() == {"terms": [], "phrases": ["the plot"]}


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: TextMeasure(["a", "a"]), "term 'a' comes twice; name it once"),
        (lambda: TextMeasure([], ["a b", "A, B"]), "phrase 'a b' comes twice; name it once"),
        (lambda: TextMeasure([], ["..."]), "phrase '...' has no word in it; give one or more"),
        (lambda: TextMeasure([]), "neither terms nor phrases; give some of either"),
        (lambda: fit_text([], terms=-1), "the number of terms is -1; give 0 or more"),
        (
            lambda: fit_text([], min_share=0.9, max_share=0.5),
            "shares of documents are 0.9 to 0.5; give a lower and an upper one in [0, 1]",
        ),
        (lambda: stop_words_of("german"), "stop words are 'german'; give keep or english"),
        (
            lambda: frequent_terms(1, Counter(), max_share=2),
            "shares of documents are 0.01 to 2; give a lower and an upper one in [0, 1]",
        ),
    ],
)
def test_bad_settings_are_one_line(make, line: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == line


def test_texts_without_a_usable_word_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        fit_text(["a", "b"])
    line = "no word occurs in 0.01 to 0.99 of the 2 texts; widen the bounds, or give phrases"
    assert str(caught.value) == line


def test_a_missing_text_is_named() -> None:
    with pytest.raises(InputError, match=r"^text 'row 3' is missing; leave such rows out$"):
        TextMeasure(["a"]).read("row 3", None)
