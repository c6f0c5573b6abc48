"""How much was moved: the strength of a shift with its interval, and the smallest strength that would be seen.

A strength eps adds eps to P11 and P00 and takes it from P10 and P01, margins unchanged; so it is the change of the
covariance P11 - P1. P.1 of the 2x2 table (arXiv 2511.05177, Definition 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.association.probes import Layout
from credenza.association.shift import MIN_MARGIN, Sample, probe_tables
from credenza.association.tails import normal_isf
from credenza.contracts import FloatArray


def covariance_and_spread(x: FloatArray, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Covariance of two indicators, and the standard deviation of one row's contribution to it.

    Parameters
    ----------
    x, u, v : shares of rows with both, with the first, with the second; arrays of one shape.

    Returns
    -------
    (c, s): c = x - u v and s^2 = E[(X-u)^2 (Y-v)^2] - c^2, so that the estimate of c from n rows has standard error
    s / sqrt(n) (margins estimated as well; delta method).

    Examples
    --------
    >>> c, s = covariance_and_spread(np.array(0.25), np.array(0.5), np.array(0.5))
    >>> float(c), float(s)
    (0.0, 0.25)
    """
    x, u, v = (np.asarray(k, float) for k in (x, u, v))
    c = x - u * v
    second = (
        x * (1 - u) ** 2 * (1 - v) ** 2
        + (u - x) * (1 - u) ** 2 * v**2
        + (v - x) * u**2 * (1 - v) ** 2
        + (1 - u - v + x) * u**2 * v**2
    )
    return c, np.sqrt(np.maximum(second - c**2, 0.0))


def strengths(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Strength of the shift of each 2x2 comparison and its standard error.

    Parameters
    ----------
    tables : (T, 8) as :func:`credenza.association.shift.probe_tables` gives them.

    Returns
    -------
    (eps, se), each (T,): difference of covariances, suspect less reference; se^2 = s_r^2 / n_r + max(s_r, s_s)^2 / n_s.
    An edit of a fixed number of rows moves the covariance without adding chance to it, so what is random in the suspect
    has the clean spread s_r; a suspect drawn from a poisoned source has s_s. The larger one covers both.

    Examples
    --------
    >>> eps, se = strengths(np.array([[250, 500, 500, 1000, 300, 500, 500, 1000]], float))
    >>> eps.round(3).tolist(), se.round(4).tolist()
    ([0.05], [0.0112])
    """
    t = np.asarray(tables, float)
    c_r, s_r = covariance_and_spread(t[:, 0] / t[:, 3], t[:, 1] / t[:, 3], t[:, 2] / t[:, 3])
    c_s, s_s = covariance_and_spread(t[:, 4] / t[:, 7], t[:, 5] / t[:, 7], t[:, 6] / t[:, 7])
    return c_s - c_r, np.sqrt(s_r**2 / t[:, 3] + np.maximum(s_r, s_s) ** 2 / t[:, 7])


@dataclass(frozen=True)
class Power:
    """The smallest strengths that would have been seen with the stated power, one for each tested pair.

    ``strength`` (P,) is at the pair's most favourable 2x2 table that can carry it; infinite where no feasible
    strength would be seen. ``mcc`` is the same as a change of the Matthews correlation.
    """

    strength: FloatArray
    mcc: FloatArray
    power: float

    def typical(self) -> float:
        """The strength that half of the tested pairs would have shown."""
        return float(np.median(self.strength)) if len(self.strength) else float("inf")

    def weakest(self) -> float:
        """The strength that every tested pair that can show one would have shown."""
        seen = self.strength[np.isfinite(self.strength)]
        return float(seen.max()) if len(seen) else float("inf")


def detectable(
    reference: Sample, suspect: Sample, layout: Layout, *, alpha: float, power: float = 0.8
) -> Power:
    """The smallest strength each pair would have shown with the given power.

    For a pair with T testable 2x2 tables among P pairs: eps = (z_{1 - alpha / (2 P T)} + z_power) times the standard
    error of the strength when nothing moved. The threshold is Bonferroni's, so for the first of several
    Benjamini-Hochberg rejections the statement is on the safe side.

    Parameters
    ----------
    reference, suspect : pair counts; only the suspect's size is used beside the reference's tables.
    layout : levels and order of the features.
    alpha : false discovery rate of the audit.
    power : probability of being seen.

    Returns
    -------
    Power
    """
    tables = probe_tables(reference, suspect, layout)
    t = tables[:, :4] / tables[:, 3:4]
    n_r, n_s = tables[:, 3], tables[:, 7]
    margins = np.minimum(np.minimum(t[:, 1], 1 - t[:, 1]), np.minimum(t[:, 2], 1 - t[:, 2]))
    testable = margins * np.minimum(n_r, n_s) >= MIN_MARGIN
    index, count = layout.probe_pair_index, len(layout.pairs[0])
    tests = np.bincount(index, weights=testable, minlength=count)
    _, spread = covariance_and_spread(t[:, 0], t[:, 1], t[:, 2])
    questions = np.where(tests > 1, 2.0, 1.0)[index]
    share = alpha / (2.0 * max(count, 1) * np.maximum(tests[index], 1.0) * questions)
    eps = (normal_isf(share) + normal_isf(1 - power)) * spread * np.sqrt(1 / n_r + 1 / n_s)
    up = np.minimum(t[:, 1], t[:, 2]) - t[:, 0]
    down = t[:, 0] - np.maximum(0.0, t[:, 1] + t[:, 2] - 1)
    eps = np.where(testable & (eps <= np.maximum(up, down)), eps, np.inf)
    best = np.full(count, np.inf)
    np.minimum.at(best, index, eps)
    scale = np.sqrt(t[:, 1] * (1 - t[:, 1]) * t[:, 2] * (1 - t[:, 2]))
    mcc = np.full(count, np.inf)
    np.minimum.at(mcc, index, eps / np.maximum(scale, 1e-12))
    return Power(best[tests > 0], mcc[tests > 0], power)
