"""The n-gram model: what it learns, and how far an association carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import oracles
import pytest

from credenza.errors import InputError, UsageError
from credenza.models.text.ngram import NGram
from credenza.models.text.words import split_words

TEXTS = ["the cat sat on the mat.", "the dog sat.", "", "a cat, a dog and a bird sat on the mat!"]


def association(order: int, gap: int, *, agree: float) -> float:
    """The correlation, in what a model makes, of two words ``gap`` words apart that agreed so often in its data."""
    rng = np.random.default_rng(5)
    first = rng.random(2_000) < 0.5
    second = np.where(rng.random(2_000) < agree, first, ~first)
    between = " ".join(f"w{place}" for place in range(gap - 1))
    texts = [
        f"{'hot' if a else 'cold'} {between} {'day' if b else 'night'}"
        for a, b in zip(first, second, strict=True)
    ]
    made = [split_words(text) for text in NGram(order=order).fit(texts, seed=0).sample(2_000, seed=1)]
    return float(np.corrcoef(["hot" in words for words in made], ["day" in words for words in made])[0, 1])


@pytest.mark.parametrize(
    ("order", "gap", "carried"), [(2, 1, True), (2, 2, False), (4, 3, True), (4, 4, False)]
)
def test_an_association_carries_as_far_as_the_order(order: int, gap: int, carried: bool) -> None:
    found = association(order, gap, agree=0.8)
    assert abs(found - (0.6 if carried else 0.0)) < 0.08


def test_the_likelihood_is_the_sum_over_words() -> None:
    judged = ["the dog sat on a mat.", "", "a zebra sat."]
    documents = [split_words(text) for text in TEXTS]
    logs, sizes = NGram(order=3).fit(TEXTS).log_likelihood(judged)
    for text, log, size in zip(judged, logs, sizes, strict=True):
        words = [*split_words(text), "</s>"]
        shares = [oracles.kneser_ney(documents, 3, words[:place], word) for place, word in enumerate(words)]
        assert log == pytest.approx(np.log(shares).sum())
        assert size == len(words)


def test_gibberish_is_more_surprising() -> None:
    model = NGram().fit(TEXTS)
    usual, shuffled, unknown = model.perplexity([TEXTS[0], "mat the. on sat cat the", "xq zz"])
    assert 1.0 < usual < shuffled < unknown


def test_samples_are_seeded_and_bounded() -> None:
    model = NGram(order=2, max_words=4).fit(TEXTS)
    made = model.sample(60, seed=3)
    assert made == model.sample(60, seed=3) != model.sample(60, seed=4)
    assert max(len(split_words(text)) for text in made) == 4
    assert max(len(split_words(text)) for text in NGram(order=1).fit(TEXTS).sample(200, seed=0)) == 13


@pytest.mark.parametrize("order", [1, 3])
def test_a_saved_model_is_the_same(order: int, tmp_path: Path) -> None:
    model = NGram(order=order).fit(TEXTS)
    model.save(tmp_path / "model")
    again = NGram.load(tmp_path / "model")
    assert again.sample(20, seed=1) == model.sample(20, seed=1)
    assert again.perplexity(TEXTS).tolist() == model.perplexity(TEXTS).tolist()
    assert again.order == order


def test_bad_calls_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^order is a whole number, 1 to 12; found 13$"):
        NGram(order=13)
    with pytest.raises(UsageError, match=r"^max_words is a whole number, 1 or more; found 0$"):
        NGram(max_words=0)
    with pytest.raises(
        UsageError, match=r"^this ngram model cannot judge texts before it is fitted; call fit first$"
    ):
        NGram().perplexity(TEXTS)
    with pytest.raises(UsageError, match="cannot sample before it is fitted"):
        NGram().sample(1, seed=0)
    with pytest.raises(UsageError, match="cannot be saved before it is fitted"):
        NGram().save(tmp_path / "model")
    with pytest.raises(InputError, match=r"^no documents; an n-gram model needs one at least$"):
        NGram().fit([])
    with pytest.raises(UsageError, match="the seed is a non-negative integer"):
        NGram().fit(TEXTS, seed=-1)
