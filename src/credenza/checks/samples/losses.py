"""Training losses that lie outside the tail of their class, low or high."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError

EARLY = 0.2  # share of the epochs that count as early
BULK, KNEE = 0.5, 0.8  # the tail's rate is read between these quantiles
FENCES = (0.01, 0.001)  # shares of a class that its bulk lets lie beyond a fence
LEAST_ROWS = 50
LEAST_LOSS = 1e-12


@dataclass(frozen=True)
class LossTail:
    """Rows of a class whose loss is further out than the bulk of the class explains.

    Attributes
    ----------
    label : code of the class. side : "low" or "high". rows : of the class.
    beyond : of these, rows beyond the fence. expected : as many as the bulk explains, at most.
    fence : the loss that they are beyond, in the unit of the losses.
    log_p : natural log of the p-value.
    """

    label: int
    side: str
    rows: int
    beyond: int
    expected: float
    fence: float
    log_p: float

    @property
    def excess(self) -> float:
        """Rows beyond the fence and beyond what was expected, as a share of the class."""
        return (self.beyond - self.expected) / self.rows


@dataclass(frozen=True)
class LossOutliers:
    """Outlying losses of n rows.

    Attributes
    ----------
    scores : (n,), -ln of the share of its class whose loss is as far out, on the side where that is less; high is
        suspicious, NaN for rows of small classes.
    tails : two for each class that was looked at.
    low, high : (n,), the loss that each side looks at.
    """

    scores: FloatArray
    tails: tuple[LossTail, ...]
    low: FloatArray
    high: FloatArray

    def beyond(self, tail: LossTail, labels: IntArray) -> NDArray[np.bool_]:
        """The rows of a tail, bool (n,)."""
        out = self.low < tail.fence if tail.side == "low" else self.high > tail.fence
        return np.asarray(out & (labels == tail.label))


def loss_outliers(losses: FloatArray, labels: IntArray) -> LossOutliers:
    """Hold every loss against the bulk of its class.

    Parameters
    ----------
    losses : (n, epochs), 0 or more. labels : (n,), codes; negative ones are left out.

    Returns
    -------
    LossOutliers

    Raises
    ------
    InputError : a negative loss.

    Notes
    -----
    Low losses are looked for in the mean of the first fifth of the epochs (backdoors are learnt first: Li et al. 2021,
    Anti-backdoor learning, section 3), high ones in the mean of all (wrong labels are learnt last). Let y be the log of
    the loss, or its negative. Where the density of y is log-concave, its hazard never falls, so that beyond the 80%
    quantile the share of rows is at most 0.2 exp(-h (y - q80)), h being the hazard between the median and q80 (its
    maximum likelihood estimate, censored at q80, less two standard errors). Fences stand where this bound is 1% and
    0.1%; the rows beyond are tested against a binomial with it, and the smaller p is doubled. The published isolation
    of a fixed lowest 1% needs the poison rate; the fence does not. Cost: O(n log n).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> loss = np.exp(rng.normal(size=1_000))
    >>> loss[:30] = 1e-4
    >>> low, high = loss_outliers(loss[:, None], np.zeros(1_000, np.int64)).tails
    >>> low.side, low.beyond >= 30, low.log_p < -20, high.log_p > -3
    ('low', True, True, True)
    """
    negative = int((losses < 0).any(axis=1).sum())
    if negative:
        raise InputError(
            f"losses are negative in {negative:,} of {len(losses):,} rows: "
            "give a loss that is 0 or more, such as cross-entropy"
        )
    early = max(1, math.ceil(EARLY * losses.shape[1]))
    low, high = losses[:, :early].mean(axis=1), losses.mean(axis=1)
    scores, tails = np.full(len(losses), np.nan), []
    for label in np.unique(labels[labels >= 0]):
        rows = np.flatnonzero(labels == label)
        if len(rows) < LEAST_ROWS:
            continue
        sides = (("low", -_log(low[rows])), ("high", _log(high[rows])))
        tested = [(side, *_tail(y)) for side, y in sides]
        scores[rows] = np.maximum(*(surprise for _, _, surprise in tested))
        for side, (beyond, expected, fence, log_p), _ in tested:
            at = math.exp(-fence if side == "low" else fence)
            tails.append(LossTail(int(label), side, len(rows), beyond, expected, at, log_p))
    return LossOutliers(scores, tuple(tails), low, high)


def _log(losses: FloatArray) -> FloatArray:
    return np.log(np.maximum(losses, LEAST_LOSS))


def _tail(y: FloatArray) -> tuple[tuple[int, float, float, float], FloatArray]:
    """((rows beyond the fence, expected, the fence, ln p), -ln of the share that is as far out) of the upper side."""
    n = len(y)
    order = np.sort(y)
    surprise = -np.log((n - np.searchsorted(order, y, side="left")) / n)
    middle, knee = np.quantile(order, [BULK, KNEE])
    events = int(((order > middle) & (order <= knee)).sum())
    risk = float(np.minimum(order[order > middle], knee).sum() - middle * (order > middle).sum())
    if knee <= middle or risk <= 0 or events < 5:
        return (0, 0.0, math.inf, 0.0), surprise
    hazard = events / risk * max(0.1, 1.0 - 2.0 / math.sqrt(events))
    far = y > knee
    surprise[far] = hazard * (y[far] - knee) - math.log(1.0 - KNEE)
    tests = []
    for share in FENCES:
        fence = knee + math.log((1.0 - KNEE) / share) / hazard
        beyond = int((order > fence).sum())
        p = float(special.bdtrc(beyond - 1, n, share)) if beyond else 1.0
        tests.append((beyond, n * share, float(fence), math.log(max(min(1.0, 2.0 * p), 1e-300))))
    return min(tests, key=lambda test: test[3]), surprise
