"""Units whose change from one checkpoint to the next is tested: classes, slices, cells, pairs of features.

In every unit, d is how much worse (more suspicious) a row's prediction became in a step; the sums of d and of d^2 over
the unit's rows are all that the tests need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from credenza.checks.checkpoints.predictions import PairCodes, Predictions
from credenza.contracts import FloatArray, IntArray

MOST_LEVELS = 12  # of a feature of a pair, beyond which only the most frequent are followed
WEIGHT_OF_CLASSES = 0.5  # of the error rate; the other families share the rest equally

ARRAYS = ("rows", "total", "squares", "before", "after", "group")


@dataclass(frozen=True)
class Family:
    """Units of one kind; U units, S steps.

    Attributes
    ----------
    kind : "class", "slice", "class in slice", "predicted", "confusion", "probability" or "pair".
    subjects : U tuples of names.
    rows : (U,) how many. total, squares : (U, S) sums of d and d^2.
    before, after : (U, S) rates, or associations.
    group : (U,) units of one number are each other's rest; a unit alone in its group has none.
    exact : whether d is -1, 0 or 1, so that McNemar's test applies. sided : 1 where only an increase of d is an alarm.
    scale : (U,) what the least change that is looked at is multiplied by.
    """

    kind: str
    subjects: tuple[tuple[str, ...], ...]
    rows: FloatArray
    total: FloatArray
    squares: FloatArray
    before: FloatArray
    after: FloatArray
    group: IntArray
    exact: bool = True
    sided: int = 1
    scale: FloatArray | None = None

    def kept(self, wanted: np.ndarray) -> Family:
        """Some of the units."""
        places = np.flatnonzero(wanted)
        return replace(
            self,
            subjects=tuple(self.subjects[k] for k in places),
            **{name: getattr(self, name)[places] for name in ARRAYS},
            scale=None if self.scale is None else self.scale[places],
        )


def families(given: Predictions) -> tuple[Family, ...]:
    """All families that have a unit.

    Examples
    --------
    >>> truth = np.repeat([0, 1], 40)
    >>> worse = np.where(np.arange(80) < 8, 1, truth)
    >>> found = families(Predictions(("a", "b"), ("cat", "dog"), truth, np.stack([truth, worse])))
    >>> [(family.kind, family.total[:, 0].tolist()) for family in found]
    [('class', [8.0, 0.0]), ('predicted', [0.0, 8.0])]
    """
    made = [family.kept(family.rows >= given.options.min_rows) for family in _all(given)]
    return tuple(family for family in made if family.subjects)


def _all(given: Predictions) -> Iterator[Family]:
    k = len(given.classes)
    names = tuple((name,) for name in given.classes)
    yield _grouped("class", names, given.truth, np.zeros(k, np.int64), given)
    if given.slice_codes is not None:
        parts = tuple((name,) for name in given.slices)
        yield _grouped("slice", parts, given.slice_codes, np.zeros(len(parts), np.int64), given)
        both = tuple((c, s) for c in given.classes for s in given.slices)
        codes = given.truth * len(parts) + given.slice_codes
        yield _grouped("class in slice", both, codes, np.repeat(np.arange(k), len(parts)), given)
    yield _predicted(given)
    if k > 2:
        yield _confusion(given)
    if given.chances is not None:
        yield _probability(given, given.chances)
    for pair in given.pairs:
        yield _pair(pair)


def _grouped(
    kind: str, subjects: tuple[tuple[str, ...], ...], codes: IntArray, group: IntArray, given: Predictions
) -> Family:
    """Units that are disjoint sets of rows; the rate is the share of right predictions."""
    units = len(subjects)
    right = given.right
    rows = np.bincount(codes, minlength=units).astype(float)
    hits = (
        np.stack([np.bincount(codes[r], minlength=units) for r in right], axis=1)
        / np.maximum(rows, 1.0)[:, None]
    )
    worse, better = (
        np.stack(
            [
                np.bincount(codes[right[s + a] & ~right[s + 1 - a]], minlength=units)
                for s in range(given.steps)
            ],
            axis=1,
        ).astype(float)
        for a in (0, 1)
    )
    return Family(kind, subjects, rows, worse - better, worse + better, hits[:, :-1], hits[:, 1:], group)


def _predicted(given: Predictions) -> Family:
    """Rows of other classes that are predicted as a class: what a backdoor's or a flip's target gains."""
    k, n = len(given.classes), len(given.truth)
    moved = _cells(given)
    off = ~np.eye(k, dtype=bool)
    gained, lost = ((part * off[None]).sum(axis=1).T.astype(float) for part in moved[:2])
    held = (moved[2] * off[None]).sum(axis=1).T.astype(float)  # (k, T)
    rows = n - np.bincount(given.truth, minlength=k).astype(float)
    rates = held / np.maximum(rows, 1.0)[:, None]
    scale = (
        1.5 * np.maximum(n / k, n - rows) / np.maximum(rows, 1.0)
    )  # a target gains from all classes by chance
    names = tuple((name,) for name in given.classes)
    group = np.zeros(k, np.int64)
    return Family(
        "predicted",
        names,
        rows,
        gained - lost,
        gained + lost,
        rates[:, :-1],
        rates[:, 1:],
        group,
        scale=scale,
    )


def _confusion(given: Predictions) -> Family:
    """Rows of one class that are predicted as one other."""
    k = len(given.classes)
    gained, lost, held = (part.reshape(len(part), -1).T.astype(float) for part in _cells(given))
    rows = np.repeat(np.bincount(given.truth, minlength=k).astype(float), k)
    rates = held / np.maximum(rows, 1.0)[:, None]
    names = tuple((a, b) for a in given.classes for b in given.classes)
    group = np.zeros(k * k, np.int64)
    every = Family("confusion", names, rows, gained - lost, gained + lost, rates[:, :-1], rates[:, 1:], group)
    return every.kept(~np.eye(k, dtype=bool).ravel() & (every.squares.sum(axis=1) > 0))


def _cells(given: Predictions) -> tuple[IntArray, IntArray, IntArray]:
    """Counts of (true, predicted): that entered a cell and that left it, (S, k, k), and that are there, (T, k, k)."""
    k = len(given.classes)

    def count(predicted: IntArray, rows: np.ndarray) -> IntArray:
        return np.bincount(given.truth[rows] * k + predicted[rows], minlength=k * k).reshape(k, k)

    everywhere = np.ones(len(given.truth), bool)
    held = np.stack([count(row, everywhere) for row in given.predicted])
    moves = [a != b for a, b in zip(given.predicted[:-1], given.predicted[1:], strict=True)]
    gained = np.stack([count(given.predicted[s + 1], rows) for s, rows in enumerate(moves)])
    lost = np.stack([count(given.predicted[s], rows) for s, rows in enumerate(moves)])
    return gained, lost, held


def _probability(given: Predictions, chances: FloatArray) -> Family:
    """Mean probability of the true class."""
    k = len(given.classes)
    rows = np.bincount(given.truth, minlength=k).astype(float)
    safe = np.maximum(rows, 1.0)[:, None]
    means = np.stack([np.bincount(given.truth, row, minlength=k) for row in chances], axis=1) / safe
    falls = chances[:-1] - chances[1:]
    total = np.stack([np.bincount(given.truth, d, minlength=k) for d in falls], axis=1).astype(float)
    raw = np.stack([np.bincount(given.truth, d**2, minlength=k) for d in falls], axis=1)
    squares = np.maximum(raw - total**2 / safe, 0.0)
    names = tuple((name,) for name in given.classes)
    group = np.zeros(k, np.int64)
    return Family("probability", names, rows, total, squares, means[:, :-1], means[:, 1:], group, exact=False)


def _pair(pair: PairCodes) -> Family:
    """Association of two features, cell by cell: P(a, b) - P(a) P(b), whose change is a mean over rows.

    Of row i, h = (1[a] - P(a)) (1[b] - P(b)); the mean of h is the association, and its change between two checkpoints
    is the mean of the difference of h.
    """
    n = pair.codes[0].shape[1]
    subjects, values, total, squares = [], [], [], []
    for a in _frequent(pair.codes[0], len(pair.levels[0])):
        for b in _frequent(pair.codes[1], len(pair.levels[1])):
            one, other = (pair.codes[0] == a).astype(float), (pair.codes[1] == b).astype(float)
            h = (one - one.mean(axis=1, keepdims=True)) * (other - other.mean(axis=1, keepdims=True))
            d = np.diff(h, axis=0)
            names = f"{pair.names[0]} = {pair.levels[0][a]}", f"{pair.names[1]} = {pair.levels[1][b]}"
            subjects.append(names)
            values.append(h.mean(axis=1))
            total.append(d.sum(axis=1))
            squares.append(d.var(axis=1) * n)
    units, found = len(subjects), np.array(values)
    return Family(
        "pair", tuple(subjects), np.full(units, float(n)), np.array(total), np.array(squares),
        found[:, :-1], found[:, 1:], np.arange(units), exact=False, sided=0, scale=np.full(units, 0.5),
    )  # fmt: skip


def _frequent(codes: IntArray, levels: int) -> list[int]:
    """The levels to look at: of two one says all, of many the most frequent."""
    counts = np.bincount(codes.ravel(), minlength=levels)
    if levels == 2:
        return [1]
    return sorted(np.argsort(-counts, kind="stable")[:MOST_LEVELS].tolist())
