"""Counts of n-grams: probabilities beside the definition, draws beside the probabilities."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.models.text.kneser_ney import END, FIRST_WORD, START, Counts, count

LETTERS = "abcd"
documents = st.lists(st.lists(st.sampled_from(LETTERS[:3]), max_size=6), min_size=1, max_size=6)


def numbered(words: list[str]) -> np.ndarray:
    return np.array([FIRST_WORD + LETTERS.index(word) for word in words], dtype=np.int64)


def contexts_after(counts: Counts, history: list[str]) -> np.ndarray:
    contexts = counts.begin(1)
    for number in numbered(history):
        contexts = counts.extend(contexts, np.array([number]))
    return contexts


@settings(max_examples=30, deadline=None)
@given(documents, st.integers(1, 4), st.lists(st.sampled_from(LETTERS), max_size=5))
def test_probabilities_are_those_of_the_definition(
    texts: list[list[str]], order: int, history: list[str]
) -> None:
    known = sorted({word for words in texts for word in words})
    counts = count(
        [np.array([FIRST_WORD + known.index(w) for w in words]) for words in texts], order, len(known)
    )
    contexts = counts.begin(1)
    for word in history:
        number = FIRST_WORD + (known.index(word) if word in known else len(known))
        contexts = counts.extend(contexts, np.array([number]))
    found = [
        counts.probabilities(contexts, np.array([n]))[0] for n in range(END, FIRST_WORD + len(known) + 1)
    ]
    wanted = [oracles.kneser_ney(texts, order, history, word) for word in ("</s>", *known, "unknown")]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert sum(found) == pytest.approx(1.0)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_draws_follow_the_probabilities(order: int) -> None:
    rng = np.random.default_rng(3)
    texts = [list(rng.choice(list(LETTERS), size=size)) for size in rng.integers(0, 7, size=40)]
    counts = count([numbered(words) for words in texts], order, len(LETTERS))
    for history in ([], ["a"], ["b", "c", "a"]):
        contexts = contexts_after(counts, history)
        drawn = np.bincount(counts.draw(np.repeat(contexts, 40_000, axis=0), rng), minlength=6) / 40_000
        numbers = np.arange(END, FIRST_WORD + len(LETTERS))
        wanted = counts.probabilities(np.repeat(contexts, len(numbers), axis=0), numbers)
        assert drawn[START] == 0.0
        np.testing.assert_allclose(drawn[END:], wanted / wanted.sum(), atol=0.012)


def test_a_start_is_never_a_next_word() -> None:
    counts = count([numbered(["a", "b"])], order=3, words=2)
    assert all(level.counts[level.keys % level.radix == START].sum() == 0 for level in counts.levels)
