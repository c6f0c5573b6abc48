"""Which rows a three-way attack edits: quadruples of rows whose exchange moves no pair table at all.

With levels (x, y, z) of three features and other values x', y', z' the four rows

    (x, y, z), (x, y', z'), (x', y, z'), (x', y', z)   become   (x, y, z'), (x, y', z), (x', y, z), (x', y', z')

The first two keep their first feature and exchange the third's value, so do the last two: the joint of the
first and third feature stays. So do the first and third row, which share y, and the second and fourth, which
share y': the joint of the second and third stays. The first two features are not edited. So every pair table
is kept with all its values, not only level against rest. This empties the cells of odd sign, ``(-1)^(a+b+c) =
-1``; read from right to left it is the opposite shift.

How many quadruples there are is a packing problem: each combination (x', y', z') uses four kinds of rows and,
where genuine rows take their place, four kinds of donors. With binary features there is one combination.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from credenza.attacks.swaps import draw_labelled
from credenza.contracts import IntArray

Codes = Sequence[IntArray]
Levels = Sequence[int]
MAX_COMBINATIONS = 100_000


@dataclass(frozen=True)
class Quadruples:
    """The combinations of one stratum that have rows, C of them.

    Attributes
    ----------
    rows, pool : rows of the data that can be edited, and rows that may be donors (None: none are needed).
    row_labels, pool_labels : code of the three values of each of them.
    before, after : codes that the four rows of each combination have and get, shape (4, C).
    recycle : donors may be used more than once.
    """

    rows: IntArray
    row_labels: IntArray
    pool: IntArray | None
    pool_labels: IntArray
    before: IntArray
    after: IntArray
    recycle: bool

    def limits(self, *, donors: bool = True) -> tuple[IntArray, IntArray]:
        """(kind of row or donor that each combination uses (F, C), how many there are of each kind)."""
        kinds, counts = _count(self.before, self.row_labels)
        if self.pool is None or not donors:
            return kinds, counts
        wanted, spare = _count(self.after, self.pool_labels)
        if self.recycle:
            spare = np.where(spare > 0, len(self.rows), 0)
        return np.concatenate([kinds, wanted + len(counts)]), np.concatenate([counts, spare])

    def draw(self, plan: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Rows of ``plan[c]`` quadruples of each combination c, in fours, and who takes their place.

        Returns
        -------
        edited : shape (4, sum of the plan), every row at most once.
        sources : the donors; without a pool the edited row whose third value each one gets; same shape.
        """
        chosen = np.repeat(np.arange(len(plan)), plan)
        wanted = self.before[:, chosen]
        edited = draw_labelled(self.rows, self.row_labels, wanted.ravel(), rng).reshape(wanted.shape)
        if self.pool is None:
            return edited, edited[[1, 0, 3, 2]]
        wanted = self.after[:, chosen].ravel()
        donors = draw_labelled(self.pool, self.pool_labels, wanted, rng, recycle=self.recycle)
        return edited, donors.reshape(edited.shape)


def quadruples(
    codes: Codes, sizes: Levels, levels: Levels, group: IntArray, rows: int, *, positive: bool, mode: str
) -> Quadruples:
    """Combinations of one stratum.

    Parameters
    ----------
    codes : of the three features over data and hold-out, -1 for missing.
    sizes : how many values each feature has.
    levels : the codes that the strength refers to.
    group : rows of the stratum, ascending; those below ``rows`` are of the data.

    Notes
    -----
    More than ``MAX_COMBINATIONS`` combinations of other values are not looked at: of each feature the most
    frequent ones are kept, so that the range comes out smaller than it might be.
    """
    group = group[np.all([code[group] >= 0 for code in codes], axis=0)]
    data = group[: int(np.searchsorted(group, rows))]
    others = _others([code[data] for code in codes], levels)
    u, v, w = (axis.ravel() for axis in np.meshgrid(*others, indexing="ij"))
    x, y, z = (np.full_like(u, level) for level in levels)
    on, off = (z, w) if positive else (w, z)
    before = np.stack(
        [_label((*ab, c), sizes) for ab, c in zip(_twos(x, u, y, v), (on, off, off, on), strict=True)]
    )
    after = np.stack(
        [_label((*ab, c), sizes) for ab, c in zip(_twos(x, u, y, v), (off, on, on, off), strict=True)]
    )
    pool = {"replace": group[len(data) :], "duplicate": data}.get(mode)
    labels = [
        _label([code[part] for code in codes], sizes) for part in (data, data[:0] if pool is None else pool)
    ]
    kinds, counts = _count(before, labels[0])
    present = (counts[kinds] > 0).all(axis=0)
    return Quadruples(
        data, labels[0], pool, labels[1], before[:, present], after[:, present], mode == "duplicate"
    )


def largest_plan(kinds: IntArray, counts: IntArray, rng: np.random.Generator) -> IntArray:
    """How many quadruples of each combination: as many as fit, spread over all of them.

    Each combination first gets, of everything it uses, a share in proportion to the most it could take
    alone; what is left over by the scarcest is shared out again, and a last round in random order takes what
    is left in whole rows. Exact for one combination. For more it is a greedy packing (the exact one is a
    three-dimensional assignment, which no fast method solves): ``sum(plan)`` may fall a little short.

    Parameters
    ----------
    kinds : shape (F, C), what each combination uses one of. counts : shape (K,), how many there are.

    Returns
    -------
    array of shape (C,). Cost O(F C) a round.

    Examples
    --------
    >>> kinds = np.array([[0, 0], [1, 2]])
    >>> largest_plan(kinds, np.array([10, 4, 9]), np.random.default_rng(0)).sum()
    np.int64(10)
    """
    left, plan = counts.copy(), np.zeros(kinds.shape[1], dtype=np.int64)
    while True:
        most = left[kinds].min(axis=0, initial=np.iinfo(np.int64).max)
        claims = np.array([np.bincount(row, most, minlength=len(left)) for row in kinds]).sum(axis=0)
        shares = most * (left[kinds] / np.maximum(claims[kinds], 1.0)).min(axis=0, initial=1.0)
        added = np.minimum(np.floor(shares).astype(np.int64), most)
        if not added.any():
            break
        plan += added
        left -= sum(np.bincount(row, added, minlength=len(left)).astype(np.int64) for row in kinds)
    for combination in rng.permutation(np.flatnonzero(most > 0)).tolist():
        used = kinds[:, combination]
        take = int(left[used].min())
        plan[combination] += take
        left[used] -= take
    return plan


def thin(plan: IntArray, keep: int, rng: np.random.Generator) -> IntArray:
    """A plan of ``keep`` quadruples drawn from a larger one without replacement.

    >>> thin(np.array([3, 0, 2]), 5, np.random.default_rng(0)).tolist()
    [3, 0, 2]
    """
    return np.asarray(rng.multivariate_hypergeometric(plan, keep, method="marginals"), dtype=np.int64)


def _twos(x: IntArray, u: IntArray, y: IntArray, v: IntArray) -> list[tuple[IntArray, IntArray]]:
    """First and second value of the four rows of each combination."""
    return [(x, y), (x, v), (u, y), (u, v)]


def _label(values: Sequence[IntArray], sizes: Levels) -> IntArray:
    """One code for three values."""
    a, b, c = values
    return np.asarray((a * sizes[1] + b) * sizes[2] + c)


def _others(codes: Sequence[IntArray], levels: Levels) -> list[IntArray]:
    """Values of each feature other than its level; the most frequent ones where combinations are too many."""
    others = []
    for code, level in zip(codes, levels, strict=True):
        counts = np.bincount(code, minlength=level + 1)
        counts[level] = 0
        falling = np.argsort(-counts, kind="stable")
        others.append(falling[: np.count_nonzero(counts)])
    while math.prod(len(values) for values in others) > MAX_COMBINATIONS:
        longest = max(range(3), key=lambda axis: len(others[axis]))
        others[longest] = others[longest][: len(others[longest]) * 3 // 4]
    return [np.sort(values) for values in others]


def _count(wanted: IntArray, labels: IntArray) -> tuple[IntArray, IntArray]:
    """The labels that are wanted, numbered: (number of each, same shape; how many rows carry each numbered one)."""
    distinct, number = np.unique(wanted, return_inverse=True)
    ranked = np.sort(labels)
    found = np.searchsorted(ranked, distinct, side="right") - np.searchsorted(ranked, distinct)
    return np.asarray(number.reshape(wanted.shape), dtype=np.int64), np.asarray(found, dtype=np.int64)
