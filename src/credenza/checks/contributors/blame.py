"""Whose rows harm the model: the change without them against chance, against random parts, against the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special, stats

from credenza.association.multiplicity import adjust
from credenza.checks.contributors.trials import Trials
from credenza.contracts import BoolArray, FloatArray

LEAST_OTHERS = 3  # contributors besides one, less the largest, whose spread can be a yardstick
LEAST_PARTS = 8  # random parts likewise
LEAST_TEST = 20  # test rows of a class
DRAWS = 20_000


@dataclass(frozen=True)
class Blame:
    """One contributor's harm to the test rows of one class, or to all (``label`` is None).

    Attributes
    ----------
    contributor, label, rows : whose, to whom, how many training rows. harm : fall of the mean loss without him, nats.
    interval : 95% of it, over test rows. usual : the mean of random parts of this size; NaN without parts.
    z_parts, t_others : the harm in spreads of random parts, and of the other contributors; NaN where there are none.
    p : the largest of the p-values. q : adjusted over all contributors and classes.
    errors : share of these test rows that is wrong, with him and without.
    """

    contributor: str
    label: str | None
    rows: int
    harm: float
    interval: tuple[float, float]
    usual: float
    z_parts: float
    t_others: float
    p: float
    q: float
    errors: tuple[float, float]


def blame(trials: Trials) -> tuple[Blame, ...]:
    """Every contributor and class, most suspicious first.

    Notes
    -----
    The harm h of a contributor is the mean over test rows of the loss of the model of all rows less that of the model
    without him. Its p-value is the largest of three, one-sided (Berger 1982):

    1. over test rows: the paired normal test of h > 0.
    2. against random parts: with a = sum h_r / sum n_r and b^2 = mean (h_r - a n_r)^2 / n_r over the parts of n_r rows,
       z = (h - a n) / (b sqrt(n)), Student's t with R - 1 degrees of freedom. The influence of rows on a model adds up,
       so mean and variance grow with their number. Left out with fewer than 8 parts.
    3. against the other contributors: (h - a n) / sqrt(n) less their mean, in their standard deviations times
       sqrt(1 + 1 / J'); the largest of them is left out, so that two poisoners do not cover each other, and the
       standard deviation made consistent for that. Student's t with J' - 1 degrees of freedom; left out with fewer than
       4 others.

    Who harms a class and not all test rows together (h <= 0 of all) moves the border between classes, as a contributor
    with more rows of one class does: that is no harm, p = 1.

    Benjamini-Hochberg over contributors and classes with weights (Genovese, Roeder and Wasserman 2006): harm to all
    test rows gets half of the error rate, the classes share the rest.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> base, truth = rng.gamma(2.0, 0.1, 400), np.repeat([0, 1], 200)
    >>> others = base + 0.01 * rng.normal(size=(6, 400)) + 0.002
    >>> others[2] -= 0.05
    >>> found = blame(Trials("who", tuple("abcdef"), np.full(6, 50), ("x", "y"), truth, base, truth == truth,
    ...     others, others > 0, np.full(20, 50), rng.normal(-0.002, 0.002, (20, 3))))
    >>> found[0].contributor, found[0].label, found[0].q < 0.05, sum(one.q < 0.05 for one in found)
    ('c', 'y', True, 3)
    """
    k, harms = len(trials.classes), trials.harms()
    members = [np.ones(len(trials.truth), bool), *(trials.truth == c for c in range(k))]
    units = [u for u, rows in enumerate(members) if rows.sum() >= LEAST_TEST]
    errors = np.stack([_error(trials, members[u]) for u in units], axis=1)
    chance = np.asarray(special.ndtr(-harms[:, units] / errors))
    slope, z, parts = _against_parts(trials, harms[:, units], units)
    t, others = _against_others(
        (harms[:, units] - slope * trials.sizes[:, None]) / np.sqrt(trials.sizes)[:, None]
    )
    p = np.maximum(np.maximum(chance, parts), others)
    p[harms[:, 0] <= 0] = 1.0
    logs = np.log(np.maximum(p, 1e-300)) - np.log(_weights(len(units)))
    q = adjust(np.minimum(logs, 0.0).ravel()).reshape(p.shape)
    found = []
    for j, name in enumerate(trials.contributors):
        for at, u in enumerate(units):
            h, half = float(harms[j, u]), 1.959964 * float(errors[j, at])
            wrong = tuple(float(1.0 - right[members[u]].mean()) for right in (trials.right, trials.rights[j]))
            found.append(
                Blame(
                    name, trials.classes[u - 1] if u else None, int(trials.sizes[j]), h, (h - half, h + half),
                    float(slope[at] * trials.sizes[j]), float(z[j, at]), float(t[j, at]), float(p[j, at]),
                    float(q[j, at]), (wrong[0], wrong[1]),
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.p))


def _weights(units: int) -> FloatArray:
    """(units,) with mean 1: half for all test rows, which come first, the rest for the classes."""
    if units < 2:
        return np.ones(units)
    return np.concatenate([[units / 2], np.full(units - 1, units / (2 * (units - 1)))])


def _error(trials: Trials, rows: BoolArray) -> FloatArray:
    """Standard error of the harm of each contributor over these test rows."""
    falls = trials.loss[rows] - trials.losses[:, rows]
    return np.asarray(np.maximum(falls.std(axis=1, ddof=1), 1e-12) / np.sqrt(rows.sum()))


def _against_parts(
    trials: Trials, harms: FloatArray, units: list[int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean harm a row (units,), spreads beyond it (J, units), p-values; NaN and 0 without enough parts."""
    sizes, parts = trials.part_sizes[:, None].astype(float), trials.part_harms[:, units]
    if len(parts) < LEAST_PARTS:
        return np.zeros(len(units)), np.full(harms.shape, np.nan), np.zeros(harms.shape)
    slope = parts.sum(axis=0) / sizes.sum()
    spread = np.sqrt(((parts - slope * sizes) ** 2 / sizes).sum(axis=0) / (len(parts) - 1))
    own = trials.sizes[:, None].astype(float)
    z = (harms - slope * own) / np.maximum(spread * np.sqrt(own), 1e-300)
    return slope, z, np.asarray(stats.t.sf(z, len(parts) - 1))


def _against_others(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(J, units): distance from the other contributors, the largest of them left out, and p-values."""
    t, p = np.full(values.shape, np.nan), np.zeros(values.shape)
    left = len(values) - 2
    if left < LEAST_OTHERS:
        return t, p
    for j in range(len(values)):
        others = np.sort(np.delete(values, j, axis=0), axis=0)[:-1]
        mean, spread = _of_all(left + 1)
        scale = np.maximum(others.std(axis=0, ddof=1) / spread, 1e-300)
        centre = others.mean(axis=0) - mean * scale
        t[j] = (values[j] - centre) / (scale * np.sqrt(1.0 + 1.0 / left))
        p[j] = stats.t.sf(t[j], left - 1)
    return t, p


@cache
def _of_all(many: int) -> tuple[float, float]:
    """Mean and standard deviation that normal values have once the largest of ``many`` is left out."""
    drawn = np.sort(np.random.default_rng(802).normal(size=(DRAWS, many)), axis=1)[:, :-1]
    return float(drawn.mean()), float(np.sqrt(drawn.var(axis=1, ddof=1).mean()))
