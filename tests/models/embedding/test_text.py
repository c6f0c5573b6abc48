"""Texts as weighted words, reduced; against a slow twin."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from credenza.data import open_source
from credenza.errors import InputError, MissingExtraError
from credenza.models.embedding import text as module
from credenza.models.embedding.text import SentenceMaker, TextMaker

pytest.importorskip("sklearn", reason="weighs and reduces the words")
FOOD, WEATHER = ["a ripe apple pie", "warm bread and butter"], ["rain and cold wind", "a storm from the sea"]


def source(texts: list[str | None]) -> Any:
    return open_source(pa.table({"text": pa.array(texts, pa.string()), "id": range(len(texts))}))


def corpus(n: int, seed: int) -> list[str | None]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.permutation((FOOD if k % 2 else WEATHER) * 2)) for k in range(n)]


def test_texts_of_one_kind_lie_together() -> None:
    made = TextMaker(source(corpus(60, 0)), "text", seed=0).first()
    values = made.values / np.linalg.norm(made.values, axis=1, keepdims=True)
    alike = values @ values.T
    same = np.equal.outer(np.arange(60) % 2, np.arange(60) % 2)
    assert alike[same].min() > alike[~same].max()
    assert (made.rows, made.kind, made.name, made.losses) == (None, "text", "TF-IDF", None)


def test_inner_products_are_those_of_weighted_words() -> None:
    texts = ["the cat sat", "the cat ran", "a dog ran far", "the dog sat sat"]
    made = TextMaker(source(list(texts)), "text", seed=0).first().values.astype(float)
    terms = sorted({t for text in texts for t in grams(text)})
    counts = np.array([[grams(text).count(term) for term in terms] for text in texts], float)
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0)
    weights *= np.log((1 + 4) / (1 + (counts > 0).sum(0))) + 1
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    u, s, _ = np.linalg.svd(weights, full_matrices=False)
    width = made.shape[1]
    assert width == 3
    assert made @ made.T == pytest.approx((u[:, :width] * s[:width] ** 2) @ u[:, :width].T, abs=1e-4)


def grams(text: str) -> list[str]:
    words = [word for word in text.split() if len(word) > 1]
    return words + [" ".join(pair) for pair in pairwise(words)]


def test_missing_texts_are_listed_and_empty_ones_are_not() -> None:
    texts = corpus(60, 0)
    texts[3], texts[7] = None, ""
    made = TextMaker(source(texts), "text", seed=0).first()
    assert made.rows is not None
    assert len(made.values) == 59
    assert [(item.row, item.reason) for item in made.unreadable] == [(3, "the text of row 3 is missing")]
    assert not made.values[made.rows.tolist().index(7)].any()


def test_another_table_is_embedded_in_the_same_directions() -> None:
    maker = TextMaker(source(corpus(60, 0)), "text", seed=0)
    first, again = maker.first().values, maker.another(source(corpus(60, 0)[:5])).values
    assert again == pytest.approx(first[:5], abs=1e-6)


def test_words_are_learnt_from_a_sample_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEARNT_ROWS", 20)
    maker = TextMaker(source(corpus(60, 0)), "text", seed=0)
    assert len(list(maker._sample())) == 20
    assert len(maker.first().values) == 60
    assert maker.key["rows"] == 20


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([None, None], "column 'text' of .* holds no texts; name another"),
        (["", "!"], "the texts in column 'text' of .* share no words; name another column"),
    ],
)
def test_nothing_to_learn_from_is_one_line(texts: list[str | None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TextMaker(source(texts), "text", seed=0).first()


def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(module, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'credenza\[ml\]'$"):
        TextMaker(source(corpus(60, 0)), "text", seed=0).first()


def test_a_model_of_sentences_is_run_in_batches() -> None:
    class Lengths:
        takes, name, size = "text", "lengths", None

        def __call__(self, batch: list[str]) -> Any:
            return np.array([[len(text), 1.0] for text in batch])

    maker = SentenceMaker(source(["ab", None, "abc"]), "text", Lengths(), "0f")
    assert maker.first().values.tolist() == [[2.0, 1.0], [3.0, 1.0]]
    assert maker.key == {"model": "0f", "column": "text"}
