"""Which unit jumped in which step: paired tests, against the rest, against the usual step; false discovery control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from credenza.association.multiplicity import adjust
from credenza.checks.checkpoints.predictions import FEW, CompareOptions
from credenza.checks.checkpoints.units import WEIGHT_OF_CLASSES, Family
from credenza.contracts import BoolArray, FloatArray

TRIM = 0.2  # of the other steps, the largest, that are left out of the usual spread
DOUBT = 0.1  # chance that a spread which is chance alone is taken for more
LEAST_POOLED = 5  # other steps that a spread needs


@dataclass(frozen=True)
class Jump:
    """A step of a unit.

    Attributes
    ----------
    kind, subject : of the unit. step : 0 from the first checkpoint to the second. rows : of the unit.
    before, after : rate or association. worse, better : rows that turned; 0 where d is no count.
    rest : change of the rest of the same kind; NaN without any.
    usual : how many times the spread of chance the usual step has (1 where it is chance alone).
    z : change against the rest, in usual standard errors. p : the largest of the p-values. q : adjusted.
    interval : 95% of the change.
    """

    kind: str
    subject: tuple[str, ...]
    step: int
    rows: int
    before: float
    after: float
    worse: int
    better: int
    rest: float
    usual: float
    z: float
    p: float
    q: float
    interval: tuple[float, float]

    @property
    def change(self) -> float:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True)
class Tests:
    """One family's steps, (U, S) each: p-values and what they rest on."""

    p: FloatArray
    z: FloatArray
    rest: FloatArray
    usual: FloatArray
    tested: BoolArray


def find_jumps(families: Sequence[Family], options: CompareOptions) -> tuple[tuple[Jump, ...], int]:
    """Test every step of every unit.

    Parameters
    ----------
    families : of units. options : of the test.

    Returns
    -------
    (jumps, family by family, strongest first; how many unit-steps were tested).

    Notes
    -----
    The p-value of a step is the largest of three, so that a jump must pass all (an intersection-union test, Berger
    1982):

    1. itself: exact McNemar with the mid-p correction (Fagerland, Lydersen and Laake 2013), one-sided: with w rows
       that became wrong and b that became right, P(B > w) + P(B = w) / 2, B binomial(w + b, 1/2). Means of
       probabilities and associations have the normal test of paired differences.
    2. against the rest: the difference of the mean changes in standard errors, so that what moves all units
       together is no jump of one.
    3. against the usual step: the same z divided by sqrt(phi), where phi is the trimmed mean of z^2 over the other
       steps of all units of the family (the largest fifth left out, made consistent for chance alone), or the mean
       of the unit's own other steps (less their largest) where that is more, and at least 1. With 4 checkpoints or more
       Student's t with as many degrees of freedom as steps were pooled; with fewer, the normal.

    Benjamini-Hochberg over all units of all steps with weights (Genovese, Roeder and Wasserman 2006): the families
    share, the classes' error rates get half. Steps in which fewer than 8 rows turned cannot be significant and are left
    out (Tarone 1990), which does not look at the direction.
    """
    tests = [_tests(family, options) for family in families]
    total = sum(int(test.tested.sum()) for test in tests)
    if not total:
        return (), 0
    found: list[Jump] = []
    for family, test, values in zip(families, tests, _adjusted(tests, _weights(families)), strict=True):
        steps = [
            _jump(family, test, int(unit), int(step), float(q), options)
            for (unit, step), q in zip(np.argwhere(test.tested), values, strict=True)
            if q <= options.fdr and _large(family, int(unit), int(step), options)
        ]
        found += sorted(steps, key=lambda jump: jump.p)
    return tuple(found), total


def _adjusted(tests: Sequence[Tests], weights: Sequence[float]) -> list[FloatArray]:
    """Weighted q-values of the tested steps, family by family."""
    sizes = [int(test.tested.sum()) for test in tests]
    logs = np.concatenate([np.log(np.maximum(test.p[test.tested], 1e-300)) for test in tests])
    share = np.repeat([w / max(n, 1) for w, n in zip(weights, sizes, strict=True)], sizes)
    share = share / share.mean()
    q = adjust(np.minimum(logs - np.log(share), 0.0))
    return list(np.split(q, np.cumsum(sizes)[:-1]))


def _tests(family: Family, options: CompareOptions) -> Tests:
    itself = _mcnemar(family) if family.exact else _sided(_ratio(family.total, family.squares), family.sided)
    change, error, rest = _against_rest(family)
    z = _ratio(change, error)
    tested = family.squares >= options.min_moved if family.exact else family.squares > 0
    phi, pooled = _usual(family)
    scaled = z / np.sqrt(phi)
    few = family.total.shape[1] + 1 < FEW
    usual = _sided(scaled, family.sided) if few else _student(scaled, pooled, family.sided)
    p = np.maximum(np.maximum(itself, _sided(z, family.sided)), usual)
    return Tests(p, scaled, rest, np.sqrt(phi), tested)


def _mcnemar(family: Family) -> FloatArray:
    """One-sided mid-p of (w + b, w), at least w of w + b."""
    worse, turned = (family.squares + family.total) / 2, family.squares
    return np.asarray(stats.binom.sf(worse, turned, 0.5) + 0.5 * stats.binom.pmf(worse, turned, 0.5))


def _against_rest(family: Family) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(U, S): difference of the mean changes, its variance, and the rest's own mean change (NaN without a rest)."""
    rows = family.rows[:, None]
    rest = np.full(family.total.shape, np.nan)
    change, error = family.total / rows, family.squares / rows**2
    for group in np.unique(family.group):
        members = np.flatnonzero(family.group == group)
        if len(members) < 2:
            continue
        others = rows[members].sum() - rows[members]
        moved = family.total[members].sum(axis=0) - family.total[members]
        spread = family.squares[members].sum(axis=0) - family.squares[members]
        rest[members] = moved / others
        change[members] -= moved / others
        error[members] += spread / others**2
    return change, error, rest


def _usual(family: Family) -> tuple[FloatArray, float]:
    """phi of each step (U, S), at least 1, and how many other steps it was pooled from."""
    squares = _apart(family) ** 2
    others = squares.size - 1
    if others < LEAST_POOLED:
        return np.ones(squares.shape), float(others)
    pooled = _trimmed_without(squares)
    own, count = _own_without(squares)
    bound = stats.chi2.ppf(1.0 - DOUBT, others) / others
    usual = np.where(pooled > bound, np.maximum(pooled, 1.0), 1.0)
    return np.asarray(np.maximum(usual, own / max(count, 1))), float(others)


def _trimmed_without(squares: FloatArray) -> FloatArray:
    """Of each value the mean of the smallest others, as a multiple of what chance alone gives; (U, S)."""
    every = np.sort(squares.ravel())
    kept = max(1, round((1.0 - TRIM) * (len(every) - 1)))
    below = np.concatenate([[0.0], np.cumsum(every)])
    rank = np.searchsorted(every, squares)
    total = np.where(rank >= kept, below[kept], below[kept + 1] - squares)
    share = kept / (len(every) - 1)
    # E[x; x < cut] of chi-square with 1 degree of freedom is the distribution function with 3 at the cut.
    expected = float(stats.chi2.cdf(special.chdtri(1, 1.0 - share), 3)) / share if share < 1 else 1.0
    return np.asarray(total / kept / expected)


def _own_without(squares: FloatArray) -> tuple[FloatArray, int]:
    """Sum of the other steps of the same unit less the largest of them (U, S), and how many these are."""
    steps = squares.shape[1]
    if steps < 3:
        return np.zeros(squares.shape), 0
    ordered = np.sort(squares, axis=1)
    largest = np.where(squares >= ordered[:, -1:], ordered[:, -2:-1], ordered[:, -1:])
    return squares.sum(axis=1, keepdims=True) - squares - largest, steps - 2


def _apart(family: Family) -> FloatArray:
    """(U, S): how far each change is from the middle of its group, in standard errors of its own rows.

    The middle is the median weighted by 1 / standard error, which minimises the sum of these distances: a class whose
    rows hardly turn stays at the middle, however much a few others move.
    """
    rows = family.rows[:, None]
    change = family.total / rows
    weight = rows / np.sqrt(np.maximum(family.squares, 1.0))
    for group in np.unique(family.group):
        members = np.flatnonzero(family.group == group)
        if len(members) > 2:
            change[members] -= _weighted_median(change[members], weight[members])
    return _ratio(change, family.squares / rows**2)


def _weighted_median(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Of each column of (U, S), the smallest value that half of the weight does not exceed; (S,)."""
    order = np.argsort(values, axis=0, kind="stable")
    below = np.take_along_axis(weight, order, axis=0).cumsum(axis=0)
    place = (below >= below[-1:] / 2).argmax(axis=0)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, axis=0), place[None], axis=0)[0])


def _ratio(total: FloatArray, squares: FloatArray) -> FloatArray:
    return np.asarray(np.where(squares > 0, total / np.sqrt(np.where(squares > 0, squares, 1.0)), 0.0))


def _sided(z: FloatArray, sided: int) -> FloatArray:
    return np.asarray(special.ndtr(-z) if sided else 2.0 * special.ndtr(-np.abs(z)))


def _student(z: FloatArray, freedom: float, sided: int) -> FloatArray:
    df = max(freedom, 1.0)
    return np.asarray(stats.t.sf(z, df) if sided else 2.0 * stats.t.sf(np.abs(z), df))


def _weights(families: Sequence[Family]) -> list[float]:
    others = sum(family.kind != "class" for family in families)
    if others == len(families) or not others:
        return [1.0 / max(len(families), 1)] * len(families)
    rest = (1.0 - WEIGHT_OF_CLASSES) / others
    return [WEIGHT_OF_CLASSES if family.kind == "class" else rest for family in families]


def _large(family: Family, unit: int, step: int, options: CompareOptions) -> bool:
    """Whether the change is as large as is asked for."""
    least = options.floor()
    least *= 1.0 if family.scale is None else float(family.scale[unit])
    change = float(family.total[unit, step] / family.rows[unit])
    return (abs(change) if not family.sided else change) >= least


def _jump(family: Family, test: Tests, unit: int, step: int, q: float, options: CompareOptions) -> Jump:
    total, squares = float(family.total[unit, step]), float(family.squares[unit, step])
    turned = ((squares + total) / 2, (squares - total) / 2) if family.exact else (0.0, 0.0)
    before, after = float(family.before[unit, step]), float(family.after[unit, step])
    sign = -1.0 if after < before else 1.0
    low, high = sorted(sign * edge for edge in _interval(family, unit, step, options))
    return Jump(
        family.kind,
        family.subjects[unit],
        step,
        int(family.rows[unit]),
        before,
        after,
        round(turned[0]),
        round(turned[1]),
        sign * float(test.rest[unit, step]),
        float(test.usual[unit, step]),
        float(test.z[unit, step]),
        float(test.p[unit, step]),
        q,
        (low, high),
    )


def _interval(family: Family, unit: int, step: int, options: CompareOptions) -> tuple[float, float]:
    """95% of the size of the change: paired bootstrap of the rows that turned, or the normal one of means."""
    n, total, squares = family.rows[unit], family.total[unit, step], family.squares[unit, step]
    sign = 1.0 if total >= 0 else -1.0
    if not family.exact:
        half = 1.959964 * np.sqrt(squares) / n
        return float(sign * total / n - half), float(sign * total / n + half)
    counts = np.array([(squares + total) / 2, (squares - total) / 2, n - squares])
    rng = np.random.default_rng([options.seed, 801, unit, step])
    drawn = rng.multinomial(int(n), counts / counts.sum(), size=options.draws)
    low, high = np.quantile(sign * (drawn[:, 0] - drawn[:, 1]) / n, [0.025, 0.975])
    return float(low), float(high)
