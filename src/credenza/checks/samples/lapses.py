"""How often labels disagree with content that leaves no doubt: the lapse rate of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from credenza.checks.samples.crossfit import CrossFit
from credenza.contracts import FloatArray

MOST = 0.49  # lapse rate that is looked for, at most
LEAST_DISAGREEMENTS = 5
STARTS = (0.005, 0.05, 0.2)


@dataclass(frozen=True)
class Lapse:
    """How the labels of rows whose content names one class disagree with it.

    Attributes
    ----------
    content : position of the class that the content names. rows : how many rows.
    disagreeing : of these, rows with another label.
    rate : estimated share of labels that content does not explain, in [0, 0.49].
    log_p : of no lapses beyond the floor, natural log.
    towards : position of the label that disagreeing rows carry most often, where their content leaves least doubt.
    """

    content: int
    rows: int
    disagreeing: int
    rate: float
    log_p: float
    towards: int


def lapse_rates(fit: CrossFit, *, floor: float = 0.02) -> tuple[Lapse, ...]:
    """Estimate for each class the share of its rows whose label has nothing to do with their content.

    Where the content names class t, with margin M = ln p_t - ln max of the others, the chance of another label is
    modelled as lambda + (1 - lambda) expit(a - b M), a, b >= 0: doubt is at least even where two classes are equally
    likely and fades as the margin grows; a wrong label does not.

    Parameters
    ----------
    fit : out-of-sample probabilities. floor : lapse rate that ordinary labelling has, in [0, 0.49).

    Returns
    -------
    One Lapse for each class that the content of some row names. p is that of a likelihood ratio test of lambda <=
    floor; half of chi-square with one degree of freedom, since lambda is at its bound under the null (Self and Liang
    1987).

    Notes
    -----
    The model is a psychometric function with a lapse rate (Wichmann and Hill 2001). Overlapping classes have lambda = 0
    however much they overlap, where confusions are calibrated up to a and b. Margins of a model that is sure of
    itself for reasons unrelated to the label break this. Cost: O(n) a step and class.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=4_000)
    >>> label = (rng.random(4_000) < special.expit(3 * x)).astype(int)
    >>> wrong = rng.random(4_000) < 0.1
    >>> p = np.stack([special.expit(-3 * x), special.expit(3 * x)], axis=1)
    >>> rows = np.arange(4_000)
    >>> [round(found.rate, 1) for found in lapse_rates(CrossFit(rows, np.where(wrong, 1 - label, label), (0, 1), p))]
    [0.1, 0.1]
    >>> [found.log_p > -3 for found in lapse_rates(CrossFit(rows, label, (0, 1), p))]
    [True, True]
    """
    top = fit.probabilities.argmax(axis=1)
    margin = _margins(fit)
    found = []
    for t in np.unique(top):
        inside = top == t
        wrong = fit.labels[inside] != t
        rate, log_p = _tested(margin[inside], wrong, floor)
        deep = wrong & (margin[inside] >= np.median(margin[inside]))
        others = fit.labels[inside][deep if deep.any() else wrong]
        towards = int(np.bincount(others).argmax()) if len(others) else int(t)
        found.append(Lapse(int(t), int(inside.sum()), int(wrong.sum()), rate, log_p, towards))
    return tuple(found)


def _margins(fit: CrossFit) -> FloatArray:
    log_p = np.log(np.maximum(fit.probabilities, 1e-30))
    two = np.partition(log_p, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def _tested(margin: FloatArray, wrong: np.ndarray, floor: float) -> tuple[float, float]:
    """(lapse rate, ln p of a rate up to the floor)."""
    if wrong.sum() < LEAST_DISAGREEMENTS:
        return 0.0, 0.0
    scale = max(float(np.median(margin)), 1e-9)
    free = min((_fitted(margin / scale, wrong, start, None) for start in STARTS), key=lambda f: f[0])
    if free[1] <= floor:
        return free[1], 0.0
    held = _fitted(margin / scale, wrong, floor, floor)
    ratio = max(2.0 * (held[0] - free[0]), 0.0)
    return free[1], float(special.log_ndtr(-np.sqrt(ratio)))


def _fitted(margin: FloatArray, wrong: np.ndarray, start: float, held: float | None) -> tuple[float, float]:
    """(negative log likelihood, lapse rate) at its least, from a start; with the rate held where one is given."""

    def objective(at: FloatArray) -> tuple[float, FloatArray]:
        rate, (a, b) = (at[0] if held is None else held), at[-2:]
        doubt = special.expit(a - b * margin)
        chance = np.clip(rate + (1.0 - rate) * doubt, 1e-12, 1.0 - 1e-12)
        loss = -np.where(wrong, np.log(chance), np.log1p(-chance)).sum()
        slope = (chance - wrong) / (chance * (1.0 - chance))
        inner = slope * (1.0 - rate) * doubt * (1.0 - doubt)
        gradient = [(slope * (1.0 - doubt)).sum(), inner.sum(), -(inner * margin).sum()]
        return float(loss), np.array(gradient if held is None else gradient[1:])

    bounds = [(0.0, MOST), (0.0, 30.0), (0.0, 200.0)]
    first = [start, 0.1, 2.0]
    part = slice(0 if held is None else 1, None)
    found = optimize.minimize(
        objective, np.array(first[part]), jac=True, method="L-BFGS-B", bounds=bounds[part]
    )
    return float(found.fun), float(found.x[0]) if held is None else held
