"""Which rows have a value, or two values together, that the reference makes implausible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.data.columns import Family, as_floats, as_strings, family, plain

MOST_DISTINCT = (
    0.5  # a column of texts with more distinct values than this share of the rows is an identifier
)
EXPECTED = 10.0  # rows that must be expected with two levels for their absence to mean something
Mask = NDArray[np.bool_]
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Strange:
    """Rows outside the support of the reference's other rows.

    Attributes
    ----------
    own, known : of the batch (n,) and of the reference (N,), the latter each without itself.
    example : what one of the batch's rows has, in words; "" for none.
    """

    own: Mask
    known: Mask
    example: str


def column_support(own: pa.Array, known: pa.Array, name: str) -> Strange | None:
    """Values of a column that the reference does not have: unseen texts or truth values, numbers beyond its range.

    Parameters
    ----------
    own, known : the column in the batch and in the reference, which has rows. name : for the example.

    Returns
    -------
    Strange, or None for a column that is not looked at (identifiers and free texts, nested and binary values). A row
    of the reference is strange if nothing but itself makes its value known: it has the only one of a text, or the
    extreme number that occurs once. Missing values are a value. In a column of whole numbers a fraction is strange.

    Notes
    -----
    A fresh row of the same population is strange about as often as such a row of the reference (leave one out; with
    Good and Turing the mass of unseen values is the share of those seen once). Cost: O((n + N) log N).

    Examples
    --------
    >>> found = column_support(pa.array(["a", "x"]), pa.array(["a", "a", "b"]), "kind")
    >>> found.own.tolist(), found.known.tolist(), found.example
    ([False, True], [False, False, True], "kind = 'x'")
    >>> found = column_support(pa.array([2.5, 9.0]), pa.array([1, 2, 3, 3]), "age")
    >>> found.own.tolist(), found.known.tolist(), found.example
    ([True, True], [True, False, False, False], 'age = 2.5')
    """
    own, known = plain(own), plain(known)
    kinds = {family(own.type), family(known.type)} - {Family.NULL}
    if (Family.NUMBER in kinds and kinds <= {Family.NUMBER, Family.BOOL}) or kinds == {Family.TEMPORAL}:
        return _numbers(own, known, name)
    if kinds in ({Family.STRING}, {Family.BOOL}):
        return _texts(own, known, name)
    return None


def _numbers(own: pa.Array, known: pa.Array, name: str) -> Strange | None:
    x, y = as_floats(own), as_floats(known)
    here, there = ~np.isnan(x), ~np.isnan(y)
    seen = y[there]
    if not len(seen):
        return None
    low, high = float(seen.min()), float(seen.max())
    strange = here & ((x < low) | (x > high))
    whole = bool((np.floor(seen[np.isfinite(seen)]) == seen[np.isfinite(seen)]).all())
    if whole:
        strange |= here & np.isfinite(x) & (np.floor(x) != x)
    alone = np.zeros(len(y), bool)
    for bound in (low, high):
        at = np.flatnonzero(y == bound)
        alone[at] |= len(at) == 1
    alone[~there] |= int((~there).sum()) == 1
    if there.all():
        strange |= ~here
    shown = [float(x[i]) for i in np.flatnonzero(strange)[:1]]
    return Strange(strange, alone, f"{name} = {shown[0]:g}" if shown else "")


def _texts(own: pa.Array, known: pa.Array, name: str) -> Strange | None:
    x, y = (_strings(column) for column in (own, known))
    values, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    if len(values) > MOST_DISTINCT * len(y) and len(values) > 2:
        return None
    strange = ~np.isin(x, values)
    shown = [str(x[i]) for i in np.flatnonzero(strange)[:1]]
    return Strange(strange, counts[place] == 1, f"{name} = {shown[0]!r}" if shown else "")


def _strings(column: pa.Array) -> NDArray[np.str_]:
    if family(column.type) is Family.BOOL:
        column = pc.cast(column, pa.string())
    filled = pc.fill_null(as_strings(column), "(missing)")
    return np.asarray(filled.to_pylist(), np.str_)


def combination_support(
    own: Codes, known: Codes, joint: FloatArray, offsets: IntArray, names: list[tuple[str, str]]
) -> Strange:
    """Rows with two levels that never meet in the reference, although ten rows or more would be expected to.

    Parameters
    ----------
    own, known : codes of the batch (n, m) and of the reference (N, m).
    joint : counts of the reference, (K, K). offsets : of the levels of each feature, (m + 1,).
    names : feature and level of each plane, for the example.

    Notes
    -----
    Expected under independence of the two features. A row of the reference is strange if it is the only one with such
    a pair of levels (leave one out). Cost: O(pairs of features that have such cells times (n + N)) and K^2.

    Examples
    --------
    >>> known = np.array([[0, 0]] * 50 + [[1, 1]] * 50, np.uint8)
    >>> joint = np.kron(np.ones((2, 2)), np.diag([50, 50]))
    >>> names = [("a", "0"), ("a", "1"), ("b", "0"), ("b", "1")]
    >>> found = combination_support(np.array([[0, 0], [0, 1]], np.uint8), known, joint, np.array([0, 2, 4]), names)
    >>> found.own.tolist(), bool(found.known.any()), found.example
    ([False, True], False, 'a = 0 with b = 1')
    """
    margins, rows = np.diag(joint), max(len(known), 1)
    enough = np.outer(margins, margins) / rows >= EXPECTED
    strange, alone, example = np.zeros(len(own), bool), np.zeros(len(known), bool), ""
    never, once = enough & (joint == 0), enough & (joint == 1)
    m = len(offsets) - 1
    for f in range(m):
        for g in range(f + 1, m):
            part = np.ix_(range(offsets[f], offsets[f + 1]), range(offsets[g], offsets[g + 1]))
            if never[part].any():
                hit = never[part][own[:, f], own[:, g]]
                strange |= hit
                if hit.any() and not example:
                    i = int(np.flatnonzero(hit)[0])
                    a, b = names[offsets[f] + own[i, f]], names[offsets[g] + own[i, g]]
                    example = f"{a[0]} = {a[1]} with {b[0]} = {b[1]}"
            if once[part].any():
                alone |= once[part][known[:, f], known[:, g]]
    return Strange(strange, alone, example)
