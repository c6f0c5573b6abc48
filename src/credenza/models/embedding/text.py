"""Texts as numbers: weighted counts of words and pairs of words, reduced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from credenza.data.features.base import Unreadable
from credenza.data.features.contents import Contents
from credenza.data.sources import Source
from credenza.errors import InputError, MissingExtraError
from credenza.models.embedding.base import Embedded, finite_rows, require_some
from credenza.models.embedding.foreign import Foreign, run_model

LEARNT_ROWS = 50_000  # that words and directions are learnt from, at most
MOST_TERMS = 50_000
DIMENSIONS = 100
LEAST_TEXTS = 2  # that a term is in


class TextMaker:
    """TF-IDF of words and pairs of neighbouring words, reduced by a truncated singular value decomposition.

    Weights (1 + ln count) ln((1 + n) / (1 + df)) + 1, rows of length 1 (Salton and Buckley 1988); then the first 100
    directions (latent semantic analysis: Deerwester et al. 1990), by a seeded randomised solver (Halko et al. 2011).

    Parameters
    ----------
    source : what words and directions are learnt from. column : the texts in it. seed : of the rows that are learnt
        from, at most 50,000, and of the solver.

    Raises
    ------
    InputError : no texts, or none with words. MissingExtraError : scikit-learn is not installed.

    Notes
    -----
    Two passes. Memory: the rows that are learnt from as sparse counts, and the embeddings. Cost: about 1 ms for a
    review of 4,000 characters.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import open_source
    >>> films = open_source(pa.table({"review": ["a good plot", "a good cast", "bad plot", "a bad cast"]}))
    >>> TextMaker(films, "review", seed=0).first().values.shape
    (4, 3)
    """

    kind = "text"
    name = "TF-IDF"
    general = True

    def __init__(self, source: Source, column: str, *, seed: int) -> None:
        self._source, self._column, self._seed = source, column, seed

    @property
    def key(self) -> Mapping[str, Any]:
        """Column, settings and seed."""
        version = _sklearn("").__version__
        own = {"rows": LEARNT_ROWS, "terms": MOST_TERMS, "dimensions": DIMENSIONS, "texts": LEAST_TEXTS}
        return {
            "model": self.name,
            "column": self._column,
            "seed": self._seed,
            "scikit-learn": version,
            **own,
        }

    def first(self) -> Embedded:
        """Embeddings of the texts that were learnt from."""
        return self.another(self._source)

    def another(self, source: Source) -> Embedded:
        """Embeddings of other texts, in the same words and directions."""
        words, directions = self._fitted
        return embed_texts(
            source, self._column, lambda texts: directions.transform(words.transform(texts)), self.name
        )

    @cached_property
    def _fitted(self) -> tuple[Any, Any]:
        """(terms and their weights, directions)."""
        texts = list(self._sample())
        if not texts:
            raise InputError(f"column {self._column!r} of {self._source.name} holds no texts; name another")
        least = LEAST_TEXTS if len(texts) >= 50 else 1
        words = _sklearn("feature_extraction.text").TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, min_df=least, max_features=MOST_TERMS, dtype=np.float32
        )
        try:
            counts = words.fit_transform(texts)
        except ValueError as error:  # no term is left
            raise InputError(
                f"the texts in column {self._column!r} of {self._source.name} share no words; name another column"
            ) from error
        width = max(1, min(DIMENSIONS, min(counts.shape) - 1))
        directions = _sklearn("decomposition").TruncatedSVD(width, random_state=self._seed % (1 << 32))
        with np.errstate(invalid="ignore", divide="ignore"):  # shares of no variance, which are not used
            return words, directions.fit(counts)

    def _sample(self) -> Iterator[str]:
        """A seeded sample of the texts, in their order."""
        rows = self._source.rows
        taken = None
        if rows > LEARNT_ROWS:
            taken = np.zeros(rows, bool)
            rng = np.random.default_rng((self._seed, 0))
            taken[rng.choice(rows, LEARNT_ROWS, replace=False)] = True
        row = 0
        for _, items in Contents(self._source, self._column, ()).batches("words"):
            for _, value in items:
                if value is not None and (taken is None or taken[row]):
                    yield str(value)
                row += 1


class SentenceMaker:
    """Texts as a model of sentences embeds them; see :func:`credenza.models.embedding.foreign.open_model`."""

    kind = "text"
    general = True

    def __init__(self, source: Source, column: str, model: Foreign, digest: str) -> None:
        self._source, self._column, self._model, self._digest = source, column, model, digest
        self.name = model.name

    @property
    def key(self) -> Mapping[str, Any]:
        """Column and the model's digest."""
        return {"model": self._digest, "column": self._column}

    def first(self) -> Embedded:
        """Embeddings of the table that it was made for."""
        return self.another(self._source)

    def another(self, source: Source) -> Embedded:
        """Embeddings of another table."""
        return embed_texts(source, self._column, lambda texts: run_model(self._model, texts), self.name)


def embed_texts(source: Source, column: str, model: Any, name: str) -> Embedded:
    """Run texts through a model a batch at a time; rows without a text are listed as unreadable.

    Parameters
    ----------
    model : takes a list of b texts, returns numbers (b, d). name : what messages call it.

    Raises
    ------
    InputError : no text at all, or the model returns something else.
    """
    out = np.empty((0, 0), np.float32)
    rows, unreadable = np.empty(source.rows, np.int64), []
    count = first = 0
    for _, items in Contents(source, column, ()).batches("texts"):
        held, texts = [], []
        for row, (label, value) in enumerate(items, first):
            if value is None:
                unreadable.append(Unreadable(row, label, f"the text of {label} is missing"))
            else:
                held.append(row)
                texts.append(str(value))
        first += len(items)
        if not texts:
            continue
        values = finite_rows(model(texts), len(texts), name)
        if not count:
            out = np.empty((source.rows, values.shape[1]), np.float32)
        out[count : count + len(held)], rows[count : count + len(held)] = values, held
        count += len(held)
    require_some(count, tuple(unreadable), "text", source.name)
    return Embedded(
        out[:count], rows[:count] if unreadable else None, tuple(unreadable), kind="text", name=name
    )


def _sklearn(part: str) -> Any:
    try:
        return import_module(f"sklearn.{part}" if part else "sklearn")
    except ImportError as error:
        raise MissingExtraError(
            "embeddings of texts need scikit-learn, which is not installed: pip install 'credenza[ml]'"
        ) from error
