"""Planning a three-way attack: the coded triple, its size in whole rows, and the refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from credenza.attacks.base import members
from credenza.attacks.columns import CodedColumn, choose_level, combined, encode_values, spell, stacked_column
from credenza.attacks.pairs import require_same_columns
from credenza.attacks.swaps import apportion
from credenza.attacks.theory_triples import (
    SIGNS,
    erasing_triple_strength,
    interaction_information,
    three_way_contrast,
)
from credenza.attacks.triple_swaps import Quadruples, largest_plan, quadruples, thin
from credenza.contracts import IntArray
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, InputError


@dataclass(frozen=True)
class Triple:
    """The coded triple and the strata: the data's rows (the first ``rows``), then the hold-out's.

    Rows with a negative stratum are outside the slice and left alone.
    """

    columns: tuple[CodedColumn, CodedColumn, CodedColumn]
    strata: IntArray
    rows: int
    mode: str

    @classmethod
    def read(
        cls,
        source: Source,
        holdout: Source | None,
        names: Sequence[str],
        levels: Sequence[Any],
        strata: Sequence[str],
        where: Mapping[str, Any] | None,
        mode: str,
    ) -> Triple:
        """Read the three features and the strata of the data and the hold-out; nothing else is."""
        if holdout is not None:
            require_same_columns(source, holdout)
        inside = members(source, where)
        features = []
        for name, level in zip(names, levels, strict=True):
            codes, values = encode_values(stacked_column(source, holdout, name), name)
            _require_levels(name, codes[: source.rows][inside], values, level)
            chosen = choose_level(name, codes[: source.rows], values, level, inside)
            features.append(CodedColumn(name, codes, values, chosen))
        groups = np.zeros(len(features[0].codes), dtype=np.int64)
        for name in strata:
            groups = combined(groups, *encode_values(stacked_column(source, holdout, name), name))
        groups[: source.rows][~inside] = -1
        return cls((features[0], features[1], features[2]), groups, source.rows, mode)

    def counts(self) -> IntArray:
        """Counts (2, 2, 2) of level (1) against rest (0) among the data's complete rows in the slice."""
        codes = [column.codes[: self.rows] for column in self.columns]
        known = np.all([code >= 0 for code in codes], axis=0) & (self.strata[: self.rows] >= 0)
        a, b, c = (code == column.level for code, column in zip(codes, self.columns, strict=True))
        return np.bincount((4 * a + 2 * b + c)[known], minlength=8).reshape(2, 2, 2)

    def edited(self, index: IntArray, *, third_only: bool) -> Triple:
        """The triple once row r of the data has the values, or the third value, of row ``index[r]``."""
        first, second, third = (
            replace(column, codes=np.concatenate([column.codes[index], column.codes[self.rows :]]))
            for column in self.columns
        )
        columns = (self.columns[0], self.columns[1], third) if third_only else (first, second, third)
        return replace(self, columns=columns)

    def cells(self, *, positive: bool) -> list[Quadruples]:
        """What can be exchanged in each stratum that the data has."""
        codes = [column.codes for column in self.columns]
        sizes, levels = ([f(c) for c in self.columns] for f in (lambda c: len(c.values), lambda c: c.level))
        order = np.argsort(self.strata, kind="stable")
        names, starts = np.unique(self.strata[order], return_index=True)
        return [
            quadruples(codes, sizes, levels, group, self.rows, positive=positive, mode=self.mode)
            for name, group in zip(names, np.split(order, starts[1:]), strict=True)
            if name >= 0 and group[0] < self.rows
        ]

    def describe(self, cell: Sequence[int]) -> str:
        """Name one of the eight cells: ``a = 1 and b other than 1 and c = 1``."""
        return " and ".join(
            f"{column.name} {'=' if has else 'other than'} {column.level_label}"
            for column, has in zip(self.columns, cell, strict=True)
        )


def plan_quadruples(
    triple: Triple, count: int, asked: str, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Draw ``|count|`` quadruples, towards a larger three-way contrast when ``count`` is positive.

    Parameters
    ----------
    triple : the coded triple.
    count : signed number of rows to empty each of four cells by.
    asked : the size as the user gave it, for messages ("strength 0.1").

    Returns
    -------
    edited, sources : rows, and the row that each one gets its third value from, or that takes its place; each
        of shape (4 count,).

    Raises
    ------
    InfeasibleError : a needed cell is empty, the strength is out of range, or there are too few donors.
    """
    positive, wanted = count > 0, abs(count)
    strata = triple.cells(positive=positive)
    limit = sum(int(largest_plan(*found.limits(donors=False), rng).sum()) for found in strata)
    if wanted > limit:
        raise InfeasibleError(_out_of_range(triple, asked, positive, rng))
    plans = [largest_plan(*found.limits(), rng) for found in strata]
    capacities = np.array([plan.sum() for plan in plans], dtype=np.int64)
    if wanted > capacities.sum():
        raise InfeasibleError(_too_few_donors(triple, strata, positive, wanted, int(capacities.sum())))
    drawn = [
        found.draw(thin(plan, share, rng), rng)
        for found, plan, share in zip(strata, plans, apportion(wanted, capacities).tolist(), strict=True)
    ]
    edited, sources = (np.concatenate(part, axis=1).ravel() for part in zip(*drawn, strict=True))
    return edited, sources


def feasible_range(triple: Triple, rng: np.random.Generator) -> tuple[float, float]:
    """Smallest and largest strength that the rows allow, donors aside; with strata the sum over them."""
    total = triple.counts().sum()
    low, high = (
        sum(int(largest_plan(*found.limits(donors=False), rng).sum()) for found in triple.cells(positive=way))
        / total
        for way in (False, True)
    )
    return -low, high


def erasing_count(counts: IntArray) -> int:
    """Signed number of quadruples that brings the three-way contrast of the counts nearest to zero.

    >>> erasing_count(np.array([[[30, 10], [10, 30]], [[10, 10], [10, 10]]]))
    -3
    """
    exact = erasing_triple_strength(counts) * int(counts.sum())
    near = [count for count in (math.floor(exact), math.ceil(exact)) if (counts + count * SIGNS >= 0).all()]

    def distance(count: int) -> tuple[float, float]:
        contrast = abs(three_way_contrast(counts + count * SIGNS))
        return (math.inf if math.isnan(contrast) else contrast), abs(count - exact)

    return min(near, key=distance, default=0)


def triple_measures(counts: IntArray) -> dict[str, Any]:
    """What answer keys tell of a triple: joint, marginals, three-way contrast and interaction information."""
    total = int(counts.sum())
    return {
        "joint": (counts / total).tolist(),
        "marginals": [int(np.moveaxis(counts, axis, 0)[1].sum()) / total for axis in range(3)],
        "contrast": three_way_contrast(counts),
        "interaction_information": interaction_information(counts),
    }


def _require_levels(name: str, codes: IntArray, values: Sequence[Any], level: object) -> None:
    present = np.unique(codes[codes >= 0])
    if len(present) < 2:
        found = f"only the value {spell(values[present[0]])!r}" if len(present) else "no value at all"
        raise InputError(f"column {name!r} has {found}; a triple needs three columns that vary")
    if level is None and len(present) > 2:
        raise InputError(
            f"column {name!r} has {len(present):,} distinct values, not two; "
            "name one level of each column with levels=(..., ..., ...)"
        )


def _cells_of_sign(sign: int) -> list[tuple[int, ...]]:
    return [cell for cell in np.ndindex(2, 2, 2) if SIGNS[cell] == sign]


def _out_of_range(triple: Triple, asked: str, positive: bool, rng: np.random.Generator) -> str:
    way, other = ("positive", "negative") if positive else ("negative", "positive")
    counts = triple.counts()
    for cell in _cells_of_sign(-1 if positive else 1):
        if counts[cell] == 0:
            found = triple.describe(cell)
            return f"no row has {found}, so a {way} shift has nothing to move; try direction={other!r}"
    low, high = feasible_range(triple, rng)
    inside = " inside these strata" if len(np.unique(triple.strata[triple.strata >= 0])) > 1 else ""
    share = spell(_towards_zero(400 * (high if positive else -low)))
    return (
        f"{asked} is beyond what this triple allows{inside} "
        f"({spell(_towards_zero(low))} to {spell(_towards_zero(high))}); "
        f"at most {share}% of the rows can be edited in this direction"
    )


def _too_few_donors(
    triple: Triple, strata: Sequence[Quadruples], positive: bool, wanted: int, possible: int
) -> str:
    source = "the data" if triple.mode == "duplicate" else "the hold-out"
    remedy = "give a larger hold-out, a smaller strength or mode='relabel'"
    pool = np.concatenate([found.pool for found in strata if found.pool is not None])
    levels = [column.codes[pool] == column.level for column in triple.columns]
    for cell in _cells_of_sign(1 if positive else -1):
        rows = int(np.all([has == bool(one) for has, one in zip(levels, cell, strict=True)], axis=0).sum())
        if rows < wanted and (triple.mode == "replace" or rows == 0):
            found = triple.describe(cell)
            return f"{source} has {rows:,} rows with {found}, {wanted:,} are needed; {remedy}"
    return (
        f"{source} allows {possible:,} of the {wanted:,} replacements needed in each cell, because donors "
        f"with the same levels (and strata) run out; {remedy}"
    )


def _towards_zero(value: float) -> float:
    return math.trunc(value * 10_000 + math.copysign(1e-6, value)) / 10_000
