"""How a pair's association differs between two tables, and whether a generator has learnt a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from credenza.contracts import FloatArray
from credenza.data import (
    Feature,
    Schema,
    Source,
    encode_source,
    extend_schema,
    fit_schema,
    open_source,
    row_keys_of,
    sketch,
)
from credenza.errors import InputError, UsageError

LEAST_REFERENCE = 50  # rows
SHARED = (
    0.5  # of the suspect's distinct rows among those that a generator learnt from: it has learnt the suspect
)


@dataclass(frozen=True)
class PairShift:
    """How an association of two features differs between two tables, at the levels where it differs most.

    Attributes
    ----------
    features, levels : names; a cut such as "> 40" for numbers.
    strength : change of P(A and B) - P(A) P(B). gaps : changes of P(A) and P(B). All second less first table.
    rows : of the second table.
    """

    features: tuple[str, str]
    levels: tuple[str, str]
    strength: float
    gaps: tuple[float, float]
    rows: int


def pair_shift(
    suspect: Any, reference: Any, pair: tuple[str, str], levels: tuple[str, str] | None = None
) -> PairShift:
    """Measure how a pair's association differs from the reference's.

    Parameters
    ----------
    suspect, reference : anything :func:`credenza.audit` takes, with rows. pair : two of their columns.
    levels : which levels or cuts to look at; by default those where the strength is largest.

    Raises
    ------
    InputError : no rows, or a reference of fewer than 50; a column is absent, or has no levels to count.
    UsageError : no such level.

    Notes
    -----
    A level of a name against the rest, or a cut of a number into two sides; of a binary feature its second level. The
    largest of many measured strengths is too large by chance: a safe side for dilution. One pass over each table.

    Examples
    --------
    >>> import pyarrow as pa
    >>> clean = pa.table({"a": [0, 0, 1, 1] * 25, "b": [0, 1, 0, 1] * 25})
    >>> moved = pa.table({"a": [0, 0, 1, 1] * 25, "b": [0, 0, 1, 1] * 20 + [0, 1, 0, 1] * 5})
    >>> found = pair_shift(moved, clean, ("a", "b"))
    >>> found.levels, found.strength, found.gaps
    (('1', '1'), 0.2, (0.0, 0.0))
    """
    own, known = open_source(suspect, role="suspect"), open_source(reference, role="reference")
    if known.rows < LEAST_REFERENCE:
        raise InputError(
            f"the reference {known.name} has {known.rows:,} rows; {LEAST_REFERENCE} or more are needed"
        )
    for source in (own, known):
        for name in pair:
            if name not in source.columns:
                raise InputError(f"{source.name} has no column {name!r}; name two columns of it")
    schema, _ = extend_schema(fit_schema(sketch(known, columns=pair)), sketch(own, columns=pair))
    a, b = (schema.features[schema.index(name)] for name in pair)
    first, second = (_joint(source, schema, pair) for source in (known, own))
    (names_a, cuts_a), (names_b, cuts_b) = _cuts(a), _cuts(b)
    tables = [cuts_a @ joint @ cuts_b.T for joint in (first, second)]
    margins = [(cuts_a @ joint.sum(axis=1), cuts_b @ joint.sum(axis=0)) for joint in (first, second)]
    moved = (tables[1] - np.outer(*margins[1])) - (tables[0] - np.outer(*margins[0]))
    if levels is None:
        i, j = divmod(int(np.argmax(np.abs(moved))), moved.shape[1])
    else:
        i, j = _place(levels[0], a.name, names_a), _place(levels[1], b.name, names_b)
    gaps = tuple(round(float(margins[1][k][p] - margins[0][k][p]), 12) for k, p in enumerate((i, j)))
    strength = round(float(moved[i, j]), 12)
    return PairShift((a.name, b.name), (names_a[i], names_b[j]), strength, (gaps[0], gaps[1]), own.rows)


def learnt_from(suspect: Any, fitted_on: Any) -> bool:
    """Whether what a generator was fitted on holds the suspect: half or more of its distinct rows.

    Raises
    ------
    InputError : data that cannot be read. Compared are the columns that both have; none in common is False.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rows = pa.table({"x": list(range(100))})
    >>> learnt_from(rows, rows[:60]), learnt_from(rows, pa.table({"x": list(range(80, 180))}))
    (True, False)
    """
    own, other = open_source(suspect, role="suspect"), open_source(fitted_on, role="generator's data")
    names = [name for name in own.columns if name in other.columns]
    if not names:
        return False
    mine, theirs = (
        np.unique(np.concatenate([row_keys_of(batch, names) for batch in source.batches(names)]))
        for source in (own, other)
    )
    return bool(np.isin(mine, theirs).mean() >= SHARED)


def _joint(source: Source, schema: Schema, pair: tuple[str, str]) -> FloatArray:
    i, j = schema.index(pair[0]), schema.index(pair[1])
    shape = schema.features[i].size, schema.features[j].size
    counts = np.zeros(shape)
    for codes in encode_source(source, schema):
        flat = codes[:, i].astype(np.int64) * shape[1] + codes[:, j]
        counts += np.bincount(flat, minlength=counts.size).reshape(shape)
    return counts / source.rows


def _cuts(feature: Feature) -> tuple[list[str], FloatArray]:
    """Names and 0/1 rows (cuts, L) of the ways to split a feature in two."""
    eye = np.eye(feature.size)
    if feature.ordered > 2:
        above = [eye[k + 1 : feature.ordered].sum(axis=0) for k in range(feature.ordered - 1)]
        return [feature.cut(k) for k in range(feature.ordered - 1)], np.array(above)
    if feature.size == 2:
        return [feature.levels[1]], eye[1:]
    return list(feature.levels), eye


def _place(level: str, name: str, known: list[str]) -> int:
    if level not in known:
        raise UsageError(f"{name!r} has no level {level!r}: there are {', '.join(map(repr, known[:8]))}")
    return known.index(level)
