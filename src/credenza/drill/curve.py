"""From how often attacks were caught at some strengths to the strength that is caught with a given chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from scipy import special

from credenza.contracts import FloatArray
from credenza.errors import UsageError

Z95 = 1.959963984540054
WIDTHS = np.geomspace(0.08, 0.8, 24)  # of the curve, in units of its middle
TYPICAL_WIDTH, SPREAD = 0.25, 0.6  # about 1 / 4 where the threshold is 4 standard errors; sd of its logarithm
LAPSES = np.array([0.0, 0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.3, 0.4, 0.5])  # caught never, however strong
LAPSE_RATE = 25.0  # of their exponential prior
MIDDLES = 120
NEGLIGIBLE = 1e-5  # of the weight, where the grid need not be finer


def wilson(hits: int, runs: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927); (0, 1) of no runs.

    Examples
    --------
    >>> [round(x, 3) for x in wilson(18, 20)]
    [0.699, 0.972]
    """
    if runs == 0:
        return 0.0, 1.0
    share, z2 = hits / runs, Z95**2 / runs
    middle = (share + z2 / 2) / (1 + z2)
    half = Z95 * sqrt(share * (1 - share) / runs + z2 / (4 * runs)) / (1 + z2)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == runs else min(1.0, middle + half)


@dataclass(frozen=True)
class Caught:
    """A strength that is caught with some chance: the estimate and its 95% interval; infinite where none is."""

    strength: float
    low: float
    high: float


class Curve:
    """How the chance of being caught rises with the strength, fitted to runs.

    P(e) = (1 - lapse) Phi((e - middle) / (width middle)): a score that is normal around a multiple of the strength
    passes a threshold, unless the attack is laid at another pair's door. The middle has a flat prior in its logarithm
    from a quarter of the smallest strength to four times the largest, the width a log-normal one around 1/4 (the
    threshold of some hundred tests lies near four standard errors), the lapse an exponential one of mean 1/25. The
    posterior is summed over a grid of the three, laid a second time where the first one finds its weight (a
    psychometric function: Wichmann & Hill 2001).

    Parameters
    ----------
    strengths : above 0, (G,). hits, runs : how many attacks of each were caught, and how many there were, (G,).

    Raises
    ------
    UsageError : no strengths, or a strength that is not above 0.

    Examples
    --------
    >>> curve = Curve([0.01, 0.02, 0.03, 0.04], [0, 10, 19, 20], [20, 20, 20, 20])
    >>> caught = curve.caught(0.8)
    >>> round(caught.strength, 3), caught.low < 0.025 < caught.high
    (0.024, True)
    """

    def __init__(self, strengths: Sequence[float], hits: Sequence[int], runs: Sequence[int]) -> None:
        e = np.asarray(strengths, float)
        if not len(e) or not (e > 0).all():
            raise UsageError(f"a curve needs strengths above 0; found {list(strengths)}")
        k, n = np.asarray(hits, float), np.asarray(runs, float)
        self._middles, self._widths = np.geomspace(e.min() / 4, 4 * e.max(), MIDDLES), WIDTHS
        weight = self._posterior(e, k, n)
        self._middles = _finer(self._middles, weight.sum(axis=(1, 2)), MIDDLES)
        self._widths = _finer(self._widths, weight.sum(axis=(0, 2)), len(WIDTHS))
        self._weight = self._posterior(e, k, n)

    def _posterior(self, strengths: FloatArray, hits: FloatArray, runs: FloatArray) -> FloatArray:
        """Weights (middles, widths, lapses), of sum 1."""
        p = np.clip(self._shape(strengths), 1e-9, 1 - 1e-9)
        log = (hits * np.log(p) + (runs - hits) * np.log1p(-p)).sum(axis=-1) - LAPSE_RATE * LAPSES
        log -= (np.log(self._widths / TYPICAL_WIDTH) / SPREAD)[None, :, None] ** 2 / 2
        weight = np.exp(log - log.max()) * np.gradient(LAPSES)
        return np.asarray(weight / weight.sum())

    def _shape(self, strengths: FloatArray) -> FloatArray:
        """P (middles, widths, lapses, G)."""
        rise = (strengths - self._middles[:, None, None]) / (
            self._middles[:, None, None] * self._widths[:, None]
        )
        return np.asarray((1 - LAPSES)[:, None] * special.ndtr(rise)[:, :, None, :])

    def at(self, strengths: FloatArray | Sequence[float]) -> FloatArray:
        """Posterior mean of the chance at some strengths, (G,)."""
        shape = self._shape(np.asarray(strengths, float))
        return np.asarray(np.tensordot(self._weight, shape, axes=3))

    def caught(self, chance: float) -> Caught:
        """The strength that is caught with this chance: posterior median and central 95% interval."""
        share = chance / (1 - LAPSES)
        score = np.where(share < 1, special.ndtri(np.minimum(share, 1 - 1e-12)), inf)
        strength = self._middles[:, None, None] * np.maximum(1 + self._widths[:, None] * score, 1e-3)
        flat, weight = strength.ravel(), self._weight.ravel()
        order = np.argsort(flat)
        upto = np.cumsum(weight[order])
        at = np.minimum(np.searchsorted(upto, [0.025, 0.5, 0.975]), len(upto) - 1)
        low, middle, high = flat[order[at]].tolist()
        return Caught(middle, low, high)


def _finer(values: FloatArray, weight: FloatArray, number: int) -> FloatArray:
    """So many values over the range that holds nearly all of the weight."""
    held = np.flatnonzero(weight > NEGLIGIBLE * weight.max())
    first, last = max(int(held[0]) - 1, 0), min(int(held[-1]) + 1, len(values) - 1)
    return np.asarray(np.geomspace(values[first], values[last], number))
