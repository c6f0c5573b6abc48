"""A synthetic batch beside its reference: what the checks of batches look at, each made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.checks.batches.options import BatchOptions
from credenza.checks.batches.support import MOST_DISTINCT
from credenza.contracts import FloatArray, IntArray
from credenza.data import Schema, encode, row_keys_of
from credenza.data.columns import Family, as_floats, as_strings, family, plain
from credenza.data.features.text import TextMeasure
from credenza.errors import InputError

if TYPE_CHECKING:
    from credenza.data.kernels import Keys

QUANTILES = 33  # between which ranks of numbers are linear

Judge = Callable[[Sequence[str]], FloatArray]
T = TypeVar("T")
U = TypeVar("U")


class Both(Generic[T]):
    """The same of the batch (``own``) and of the reference (``known``)."""

    def __init__(self, own: T, known: T) -> None:
        self.own, self.known = own, known

    def map(self, make: Callable[[T], U]) -> Both[U]:
        """What ``make`` says of each."""
        return Both(make(self.own), make(self.known))


class Batch:
    """A synthetic batch and the rows of its reference, in memory.

    Parameters
    ----------
    own, known : the two tables with the same columns. schema : of the features that are audited.
    options : thresholds. labels, text : columns of the label and of the text, or None.
    words : rows of :func:`word_rows` of both; None without texts.
    perplexity : of n texts, (n,), under a model that was given; None for n-grams of the reference.
    seed : of everything random.

    Attributes
    ----------
    tables : both. content : columns that a row is compared by: no label, no identifiers, no words of texts.
    """

    def __init__(
        self,
        own: pa.Table,
        known: pa.Table,
        schema: Schema,
        options: BatchOptions,
        *,
        labels: str | None = None,
        text: str | None = None,
        words: Both[Any] | None = None,
        perplexity: Judge | None = None,
        seed: int = 0,
    ) -> None:
        self.tables = Both(own, known)
        self.schema, self.options, self.seed = schema, options, seed
        self.label, self.text, self.words = labels, text, words
        self.perplexity = perplexity
        columns = [name for name in own.column_names if name != labels]
        self.content = tuple(
            name for name in columns if name == text or not _identifies(known[name])
        ) or tuple(columns)

    @property
    def rows(self) -> int:
        """Rows of the batch."""
        return int(self.tables.own.num_rows)

    @cached_property
    def keys(self) -> Both[Keys]:
        """A key for every row by its content, (n,) and (N,); texts by their words, whatever case and spaces."""
        return self.tables.map(self._keyed)

    def _keyed(self, table: pa.Table) -> Keys:
        part = table.select(list(self.content))
        if self.text is not None:
            spaced = pc.utf8_trim_whitespace(pc.utf8_lower(as_strings(part[self.text])))
            joined = pc.replace_substring_regex(spaced, r"\s+", " ")
            part = part.set_column(part.column_names.index(self.text), self.text, joined)
        return row_keys_of(part.combine_chunks(), self.content)

    @cached_property
    def texts(self) -> Both[list[str]] | None:
        """The texts of both, none missing; None without a column of texts."""
        name = self.text
        return None if name is None else self.tables.map(lambda table: texts_of(table, name))

    @cached_property
    def labels(self) -> Both[NDArray[np.str_]] | None:
        """The labels of both as texts; None without a column of labels."""
        name = self.label
        return None if name is None else self.tables.map(lambda table: _names(table[name]))

    @cached_property
    def codes(self) -> Both[NDArray[np.uint8]]:
        """Codes of all features that the tables have, (n, m) and (N, m)."""
        return self.tables.map(lambda table: encode(table, self.own_schema))

    @cached_property
    def own_schema(self) -> Schema:
        """The features that are columns of the tables: those made of texts are not."""
        names = self.tables.own.column_names
        return Schema(tuple(feature for feature in self.schema.features if feature.name in names))

    @cached_property
    def vectors(self) -> Both[Any]:
        """Rows as points: words of texts (sparse), or levels of names and ranks of numbers (dense)."""
        return self._points(_ranks)

    @cached_property
    def spread(self) -> Both[Any]:
        """The same with numbers in proportion: what differs a little lies near, even where most values are one."""
        return self._points(_spread)

    def _points(self, of_numbers: Callable[[FloatArray, FloatArray], FloatArray]) -> Both[Any]:
        if self.words is not None:
            return self.words
        features = [f for f in self.own_schema.features if f.name in self.content]
        places = [self.own_schema.index(f.name) for f in features]
        parts: list[Both[FloatArray]] = []
        for feature, place in zip(features, places, strict=True):
            if feature.ordered > 0:
                numbers = self.tables.map(lambda table, name=feature.name: as_floats(table[name]))  # type: ignore[misc]
                parts.append(numbers.map(lambda x, y=numbers.known: of_numbers(x, y)))  # type: ignore[misc]
            else:
                eye = np.eye(feature.size) / np.sqrt(2.0)
                parts.append(self.codes.map(lambda codes, e=eye, p=place: e[codes[:, p]]))  # type: ignore[misc]
        return Both(np.hstack([p.own for p in parts]), np.hstack([p.known for p in parts]))

    @cached_property
    def design(self) -> Both[FloatArray]:
        """Rows as a classifier takes them: the points, and for tables the bins of numbers besides."""
        if self.words is not None:
            return self.words.map(lambda rows: rows.toarray())
        binned = [f for f in self.own_schema.features if f.name in self.content and f.ordered > 0]
        eyes = [(np.eye(f.size), self.own_schema.index(f.name)) for f in binned]

        def bins(codes: NDArray[np.uint8]) -> FloatArray:
            return np.hstack([np.zeros((len(codes), 0)), *(eye[codes[:, place]] for eye, place in eyes)])

        made = self.codes.map(bins)
        return Both(np.hstack([self.vectors.own, made.own]), np.hstack([self.vectors.known, made.known]))


def texts_of(table: pa.Table, column: str) -> list[str]:
    """The texts of a column.

    Raises
    ------
    InputError : one is missing, or the column holds something else.

    Examples
    --------
    >>> texts_of(pa.table({"said": ["a", "b"]}), "said")
    ['a', 'b']
    """
    kind = family(plain(table[column]).type)
    if kind is not Family.STRING:
        raise InputError(f"the text column {column!r} is {table[column].type}; name a column of texts")
    if lost := table[column].null_count:
        raise InputError(f"the text column {column!r} has {lost:,} missing values; leave those rows out")
    return list(as_strings(table[column]).to_pylist())


def word_rows(texts: list[str], measure: TextMeasure) -> tuple[Any, IntArray]:
    """Which words occur in each text, every row of length 1 (or 0), and how many words it has.

    Returns
    -------
    (sparse matrix (n, terms), int64 (n,)).

    Examples
    --------
    >>> rows, lengths = word_rows(["plot", "plot, cast"], TextMeasure(["plot", "cast"]))
    >>> rows.toarray().round(2).tolist(), lengths.tolist()
    ([[1.0, 0.0], [0.71, 0.71]], [1, 2])
    """
    from scipy import sparse

    read = [measure.read(f"row {i}", text) for i, text in enumerate(texts)]
    sizes = np.array([len(places) for _, places in read], np.int64)
    values = np.repeat(1.0 / np.sqrt(np.maximum(sizes, 1)), sizes)
    columns: IntArray = np.concatenate([np.empty(0, np.int64), *(places for _, places in read)])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    shape = (len(texts), len(measure.terms))
    return sparse.csr_array((values, columns, starts), shape=shape), np.array([many for many, _ in read])


def _identifies(column: pa.ChunkedArray) -> bool:
    kind = family(plain(column).type)
    if kind in (Family.NESTED, Family.BINARY):
        return True
    distinct = pc.count_distinct(plain(column)).as_py() if kind is Family.STRING else 0
    return bool(distinct > max(MOST_DISTINCT * len(column), 2))


def _names(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Values as texts: whole numbers without a fraction, truth values as true and false."""
    part = plain(column)
    kind = family(part.type)
    if kind is Family.NUMBER:
        return np.array(["(missing)" if np.isnan(x) else f"{x:g}" for x in as_floats(part)], np.str_)
    if kind is Family.BOOL:
        part = pc.cast(part, pa.string())
    elif kind is not Family.STRING:
        raise InputError(f"the labels column is {column.type}; give a column of classes")
    return np.asarray(pc.fill_null(as_strings(part), "(missing)").to_pylist(), np.str_)


def _ranks(x: FloatArray, known: FloatArray) -> FloatArray:
    """Ranks of numbers among the reference's, in [0, 1], and whether they are missing: (n, 2).

    Between 33 quantiles the rank is linear in the number: exact ranks would space the reference's rows evenly, and
    nobody else's.
    """
    seen = known[np.isfinite(known)]
    steps = np.linspace(0.0, 1.0, QUANTILES)
    edges, first = np.unique(np.quantile(seen, steps) if len(seen) else np.zeros(1), return_index=True)
    lost = np.isnan(x)
    ranks = np.interp(np.where(lost, 0.0, x), edges, steps[first])
    return np.stack([np.where(lost, 0.5, ranks), lost.astype(float)], axis=1)


def _spread(x: FloatArray, known: FloatArray) -> FloatArray:
    """Numbers in units of the range of 98% of the reference's, and whether they are missing: (n, 2).

    Values beyond lie at most one such range away. Where 98% are one value, the unit is the whole range.
    """
    seen = known[np.isfinite(known)]
    low, high = np.quantile(seen, [0.01, 0.99]) if len(seen) else (0.0, 0.0)
    if high <= low and len(seen):
        low, high = seen.min(), seen.max()
    lost = np.isnan(x)
    places = np.clip((np.where(lost, low, x) - low) / (high - low if high > low else 1.0), -1.0, 2.0)
    return np.stack([np.where(lost, 0.5, places), lost.astype(float)], axis=1)
