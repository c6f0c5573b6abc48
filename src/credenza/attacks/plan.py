"""Planning an associative attack: the swaps, and the refusals of what data or hold-out cannot give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from credenza.attacks.columns import CodedColumn, combined, encode_values, spell
from credenza.attacks.swaps import Cells, apportion, capacity, draw_donors, draw_swaps, split_cells
from credenza.contracts import IntArray
from credenza.errors import InfeasibleError


@dataclass(frozen=True)
class Pair:
    """The coded pair and the strata: the data's rows (the first ``rows``), then the hold-out's.

    Rows with a negative stratum are left alone: they are outside the slice, or have been put in already.
    """

    a: CodedColumn
    b: CodedColumn
    strata: IntArray
    rows: int
    mode: str

    def counts(self) -> IntArray:
        """Counts [[n00, n01], [n10, n11]] of level against rest among the data's complete rows."""
        a, b = self.a.codes[: self.rows], self.b.codes[: self.rows]
        known = (a >= 0) & (b >= 0) & (self.strata[: self.rows] >= 0)
        cell = 2 * (a == self.a.level) + (b == self.b.level)
        return np.bincount(cell[known], minlength=4).reshape(2, 2)

    def cells(self, *, positive: bool) -> list[Cells]:
        """The workable rows of each stratum that the data has."""
        codes, levels = (self.a.codes, self.b.codes), (self.a.level, self.b.level)
        order = np.argsort(self.strata, kind="stable")
        names, starts = np.unique(self.strata[order], return_index=True)
        groups = np.split(order, starts[1:])
        return [
            split_cells(codes, levels, group, self.rows, positive=positive, mode=self.mode)
            for name, group in zip(names, groups, strict=True)
            if name >= 0 and group[0] < self.rows
        ]

    def describe(self, first: bool, second: bool) -> str:
        """Name one of the four cells: ``smoker = yes and plan other than 'free'``."""
        return " and ".join(
            f"{column.name} {'=' if has else 'other than'} {column.level_label}"
            for column, has in ((self.a, first), (self.b, second))
        )


def stratum_codes(table: pa.Table, names: Sequence[str]) -> IntArray:
    """One code for each combination of the named columns' values; missing is a value of its own."""
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for name in names:
        codes = combined(codes, *encode_values(table[name], name))
    return codes


def plan_swaps(
    pair: Pair, count: int, asked: str, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Draw the swaps: ``|count|`` of them, towards a positive association when ``count`` is positive.

    Parameters
    ----------
    pair : the coded pair.
    count : signed number of rows to empty each of two cells by.
    asked : the size as the user gave it, for messages ("strength 0.31").
    rng : of the draws.

    Returns
    -------
    i, j : the rows that exchange values, shape (count,) each.
    donors : the rows that take the place of i and then of j, shape (2 count,).

    Raises
    ------
    InfeasibleError : a needed cell is empty, the strength is out of range, or the hold-out has too few
        donors.
    """
    positive, wanted = count > 0, abs(count)
    strata = pair.cells(positive=positive)
    limit = sum(min(len(cells.first), len(cells.second)) for cells in strata)
    if wanted > limit:
        raise InfeasibleError(_out_of_range(pair, strata, asked, positive))
    capacities = np.array([capacity(cells) for cells in strata], dtype=np.int64)
    if wanted > capacities.sum():
        raise InfeasibleError(_too_few_donors(pair, strata, wanted, int(capacities.sum())))
    drawn = []
    for cells, share in zip(strata, apportion(wanted, capacities).tolist(), strict=True):
        i, j = draw_swaps(cells, share, rng)
        donors = draw_donors(cells, i, j, rng)
        drawn.append((i, j, donors[:share], donors[share:]))
    i, j, for_i, for_j = (np.concatenate(part) for part in zip(*drawn, strict=True))
    return i, j, np.concatenate([for_i, for_j])


def feasible_range(pair: Pair) -> tuple[float, float]:
    """Smallest and largest overall strength; with strata the sum of what each stratum allows."""
    total = pair.counts().sum()
    low, high = (
        sum(min(len(cells.first), len(cells.second)) for cells in pair.cells(positive=positive)) / total
        for positive in (False, True)
    )
    return -low, high


def _out_of_range(pair: Pair, strata: list[Cells], asked: str, positive: bool) -> str:
    sizes = {True: sum(len(c.first) for c in strata), False: sum(len(c.second) for c in strata)}
    way, other = ("positive", "negative") if positive else ("negative", "positive")
    for has_first, size in sizes.items():
        if size == 0:
            cell = pair.describe(has_first, has_first != positive)
            return f"no row has {cell}, so a {way} shift has nothing to move; try direction={other!r}"
    low, high = feasible_range(pair)
    inside = " inside these strata" if len(strata) > 1 else ""
    share = 2 * (high if positive else -low)
    return (
        f"{asked} is beyond what this pair allows{inside} ({_towards_zero(low)} to {_towards_zero(high)}); "
        f"at most {_towards_zero(100 * share)}% of the rows can be edited in this direction"
    )


def _too_few_donors(pair: Pair, strata: list[Cells], wanted: int, possible: int) -> str:
    source = "the data" if pair.mode == "duplicate" else "the hold-out"
    remedy = "give a larger hold-out, a smaller strength or mode='relabel'"
    positive = strata[0].positive
    pools = [cells.pool for cells in strata if cells.pool is not None]
    pool = np.concatenate(pools) if pools else np.zeros(0, dtype=np.int64)
    pool = pool[(pair.a.codes[pool] >= 0) & (pair.b.codes[pool] >= 0)]
    for has_first in (True, False):
        has_second = has_first if positive else not has_first
        found = (pair.a.members()[pool] == has_first) & (pair.b.members()[pool] == has_second)
        rows = int(found.sum())
        if rows < wanted and (pair.mode == "replace" or rows == 0):
            cell = pair.describe(has_first, has_second)
            return f"{source} has {rows:,} rows with {cell}, {wanted:,} are needed; {remedy}"
    return (
        f"{source} allows {possible:,} of the {wanted:,} replacements needed in each cell, because donors "
        f"with the same levels (and strata) run out; {remedy}"
    )


def _towards_zero(value: float) -> str:
    return spell(math.trunc(value * 10_000 + math.copysign(1e-6, value)) / 10_000)
