"""Multiple testing: Benjamini-Hochberg, Benjamini-Yekutieli, and the permutation gate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from credenza.contracts import FloatArray
from credenza.errors import UsageError

CORRECTIONS = ("bh", "by", "permutation")


def adjust(log_p: FloatArray, correction: str = "bh", total: int | None = None) -> FloatArray:
    """False-discovery-rate adjusted p-values (q-values).

    Parameters
    ----------
    log_p : natural logs of p-values, shape (P,).
    correction : "bh" (Benjamini & Hochberg 1995, independence or positive dependence) or "by" (Benjamini & Yekutieli
        2001, any dependence; larger by the factor sum 1/k). "permutation" adjusts as "bh": its gate is separate.
    total : number of hypotheses, where ``log_p`` has only the strongest of them; the others count as p = 1.

    Returns
    -------
    q, shape (P,), in [0, 1] (0 where exp underflows). Rejecting q <= alpha holds the false discovery rate at alpha.

    Examples
    --------
    >>> adjust(np.log([0.01, 0.02, 0.5])).round(4).tolist()
    [0.03, 0.03, 0.5]
    >>> adjust(np.log([0.01]), total=3).round(4).tolist()
    [0.03]

    Raises
    ------
    UsageError : an unknown correction, or a total below the number of p-values.
    """
    if correction not in CORRECTIONS:
        raise UsageError(f"unknown correction {correction!r}: use one of {', '.join(CORRECTIONS)}")
    count = len(log_p)
    total = count if total is None else total
    if total < count:
        raise UsageError(f"{count} p-values of a total of {total} hypotheses: the total counts all of them")
    if count == 0:
        return np.empty(0)
    order = np.argsort(log_p, kind="stable")
    ranked = log_p[order] + np.log(total) - np.log(np.arange(1, count + 1))
    if correction == "by":
        ranked += np.log(special.digamma(total + 1.0) + np.euler_gamma)  # the sum of 1 / k up to the total
    q = np.empty(count)
    q[order] = np.exp(np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 0.0))
    return q


def permutation_p(
    statistic: Callable[[NDArray[np.bool_]], float], suspect_rows: int, rows: int, *, draws: int, seed: int
) -> float:
    """One p-value for "anything moved at all" by permuting which rows are the suspect's.

    Parameters
    ----------
    statistic : maps a mask over the pooled rows (True: suspect) to a number that is large when something moved.
    suspect_rows, rows : rows of the suspect, and of both samples.
    draws : permutations B.
    seed : of the permutations.

    Returns
    -------
    (1 + #{permuted >= observed}) / (B + 1), exact at any sample size and any dependence of pairs
    (Westfall & Young 1993).
    """
    rng = np.random.default_rng(seed)
    mask = np.zeros(rows, bool)
    mask[:suspect_rows] = True
    observed = statistic(mask)
    above = sum(statistic(rng.permutation(mask)) >= observed for _ in range(draws))
    return (1 + above) / (draws + 1)
