"""What the checks of single rows look at: content as embeddings, labels as classes, training losses by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import FloatArray, IntArray
from credenza.data import Source
from credenza.data.columns import Family, as_strings, family, plain
from credenza.data.matrix import Numbers
from credenza.errors import InputError

if TYPE_CHECKING:
    from credenza.checks.samples.crossfit import CrossFit

LEAST_ROWS = 20  # of a class that is looked at


@dataclass(frozen=True)
class Labels:
    """The label of each row.

    Attributes
    ----------
    codes : int64 (n,), positions in ``classes``, each taken at least once.
    classes : names, sorted (numbers by value).
    """

    codes: IntArray
    classes: tuple[str, ...]

    @cached_property
    def sizes(self) -> IntArray:
        """Rows of each class, int64 (k,)."""
        return np.bincount(self.codes, minlength=len(self.classes))

    @property
    def kept(self) -> tuple[int, ...]:
        """Codes of the classes with ``LEAST_ROWS`` rows or more."""
        return tuple(int(k) for k in np.flatnonzero(self.sizes >= LEAST_ROWS))

    @property
    def left_out(self) -> str:
        """Which classes are too small to look at, in words; "" for none."""
        small = [k for k in range(len(self.classes)) if self.sizes[k] < LEAST_ROWS]
        if not small:
            return ""
        named = ", ".join(f"{self.classes[k]!r} ({self.sizes[k]})" for k in small[:5])
        more = f" and {len(small) - 5:,} more" if len(small) > 5 else ""
        return f"; left out: classes of fewer than {LEAST_ROWS} rows, {named}{more}"


@dataclass(frozen=True)
class SampleEvidence:
    """Content and labels of the same rows, and what is made of them once for all checks.

    Attributes
    ----------
    embeddings : float32 or float64 (n, d), finite; a memory-mapped .npy file may be behind it.
    labels : int64 (n,), codes of the classes.
    classes : names of the classes, by code; small ones are among them (see ``known``).
    losses : float64 (n, epochs), or None.
    seed : of everything random.
    """

    embeddings: Numbers
    labels: IntArray
    classes: tuple[str, ...]
    losses: FloatArray | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.embeddings) != len(self.labels):
            raise InputError(
                f"the embeddings have {len(self.embeddings):,} rows and there are {len(self.labels):,} labels; "
                "give one of each for every row"
            )

    @cached_property
    def known(self) -> Labels:
        """The labels with their class sizes."""
        return Labels(self.labels, self.classes)

    @cached_property
    def cross_fit(self) -> CrossFit:
        """Probabilities of the classes, given the content, by models that have not seen the row."""
        from credenza.checks.samples.crossfit import cross_fit

        return cross_fit(self.embeddings, self.known, seed=self.seed)


def read_labels(source: Source, column: str) -> Labels:
    """The class of each row, by a column of texts, whole numbers or truth values.

    Raises
    ------
    InputError : missing values, one class, fewer than two classes with ``LEAST_ROWS`` rows, or a column of another
        kind.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> found = read_labels(open_source(pa.table({"kind": ["dog", "cat"] * 20})), "kind")
    >>> found.classes, found.codes[:3].tolist()
    (('cat', 'dog'), [1, 0, 1])
    """
    parts, missing = [], 0
    for batch in source.batches([column]):
        part = plain(batch.column(0))
        if pa.types.is_floating(part.type):
            part = pc.if_else(pc.is_nan(part), None, part)  # as pandas writes missing ones
        missing += part.null_count
        parts.append(_classes(part, column, source.name))
    if missing:
        raise InputError(
            f"the labels column {column!r} of {source.name} has {missing:,} missing values; "
            "fill them in or drop those rows"
        )
    encoded = pa.chunked_array(parts).unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # how older releases of Arrow hand a single chunk back
        encoded = encoded.chunk(0)
    values, codes = encoded.dictionary, np.asarray(encoded.indices, dtype=np.int64)
    order = np.asarray(pc.sort_indices(values))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    labels = Labels(place[codes], tuple(str(values[int(k)].as_py()) for k in order))
    _require_classes(labels, column, source.name)
    return labels


def _classes(part: pa.Array, column: str, name: str) -> pa.DictionaryArray:
    kind = family(part.type)
    if kind is Family.STRING:
        part = as_strings(part)
    elif kind is Family.NUMBER and pa.types.is_floating(part.type):
        whole = pc.equal(pc.floor(part), part)
        if not pc.all(pc.fill_null(whole, True)).as_py():
            raise InputError(
                f"the labels column {column!r} of {name} holds fractions; give a column of classes"
            )
        part = pc.cast(part, pa.int64())
    elif kind not in (Family.NUMBER, Family.BOOL):
        raise InputError(f"the labels column {column!r} of {name} is {part.type}; give a column of classes")
    elif kind is Family.BOOL:
        part = pc.cast(part, pa.string())
    return part.dictionary_encode()


def _require_classes(labels: Labels, column: str, name: str) -> None:
    if len(labels.classes) == 1:
        raise InputError(
            f"the labels column {column!r} of {name} has one class, {labels.classes[0]!r}; give two or more"
        )
    if len(labels.kept) < 2:
        raise InputError(
            f"the labels column {column!r} of {name} has {len(labels.classes):,} classes, of which {len(labels.kept)} "
            f"with {LEAST_ROWS} rows or more; two of that size are needed"
        )
