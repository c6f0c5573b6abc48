"""How much was moved: the strength of a shift with its interval, and the smallest strength that would be seen.

A strength eps adds eps to P11 and P00 and takes it from P10 and P01, margins unchanged; so it is the change of the
covariance P11 - P1. P.1 of the 2x2 table (arXiv 2511.05177, Definition 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.association.probes import Layout
from credenza.association.rectangle import Rectangle, Tile, probes_of
from credenza.association.samples import Sample
from credenza.association.tails import normal_isf
from credenza.association.twobytwo import MIN_MARGIN
from credenza.contracts import FloatArray, IntArray


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
    tables : (T, 8) as :func:`credenza.association.shift.tables_at` gives them.

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
    reference: Sample,
    suspect: Sample,
    layout: Layout,
    *,
    alpha: float,
    power: float = 0.8,
    pairs: int | None = None,
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
    pairs : P, where the features are a part of the table; None for the pairs of these features.

    Returns
    -------
    Power, of the pairs that have a testable table.

    Notes
    -----
    Cost: some arithmetic a 2x2 table, a tile of them at a time, in threads. Memory: 24 bytes a pair.

    Examples
    --------
    >>> counts = np.array([[500, 0, 300, 200], [0, 500, 200, 300], [300, 200, 500, 0], [200, 300, 0, 500]], float)
    >>> both = Sample(counts, 1000), Sample(counts, 1000)
    >>> [detectable(*both, Layout((2, 2), (0, 0)), alpha=0.05, pairs=p).typical().__round__(4) for p in (1, 1000)]
    [0.0307, 0.0536]
    """
    every = Rectangle.of(layout)
    n, n_s = reference.size, suspect.size
    margin = layout.gather(np.diag(reference.joint)) / n
    usable = np.minimum(margin, 1 - margin) * min(n, n_s) >= MIN_MARGIN
    most = int(np.diff(layout.probe_starts).max(initial=1)) ** 2
    tests = np.arange(most + 1)
    share = alpha / (
        2.0 * max(pairs or every.count, 1) * np.maximum(tests, 1) * np.where(tests > 1, 2.0, 1.0)
    )
    needed = (normal_isf(share) + normal_isf(1 - power)) * np.sqrt(1 / n + 1 / n_s)
    strength, mcc, tested = np.empty(every.count), np.empty(every.count), np.empty(every.count, bool)

    def work(tile: Tile) -> None:
        rows, columns = probes_of(layout, tile.rows), probes_of(layout, tile.columns)
        wanted = np.logical_and.outer(usable[rows], usable[columns])
        x = every.sums(reference.joint, tile) / n
        found = _smallest(x, margin[rows], margin[columns], wanted, needed, *every.local_starts(tile))
        for values, out in zip(found, (strength, mcc, tested), strict=True):
            every.spread(tile, values, out)

    every.run(work)
    return Power(strength[tested], mcc[tested], power)


def _smallest(
    x: FloatArray,
    u: FloatArray,
    v: FloatArray,
    wanted: np.ndarray,
    needed: FloatArray,
    rows: IntArray,
    columns: IntArray,
) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """(strength, the same as a change of the correlation, whether any table is testable) of a tile's feature pairs.

    ``x`` (R_I, R_J), ``u``, ``v`` are shares of the tables; ``needed`` is the strength in units of the spread by the
    number of testable tables of the pair; ``rows`` and ``columns`` are the features' first probes.
    """
    one = (len(rows), len(columns)) == x.shape
    u, v = u[:, None], v[None]
    down = np.add.reduceat(wanted.any(axis=1), rows, dtype=np.int64)
    tests = np.multiply.outer(down, np.add.reduceat(wanted.any(axis=0), columns, dtype=np.int64))
    _, eps = covariance_and_spread(x, u, v)
    factor = needed[tests]
    if not one:
        factor = np.repeat(factor, np.diff(rows, append=len(u)), axis=0)
        factor = np.repeat(factor, np.diff(columns, append=v.shape[1]), axis=1)
    eps *= factor
    room = np.maximum(np.minimum(u, v) - x, x - np.maximum(0.0, u + v - 1))
    eps[~(wanted & (eps <= room))] = np.inf
    mcc = eps / np.maximum(np.sqrt(u * (1 - u) * v * (1 - v)), 1e-12)
    if not one:
        eps, mcc = (
            np.minimum.reduceat(np.minimum.reduceat(k, rows, axis=0), columns, axis=1) for k in (eps, mcc)
        )
    return eps, mcc, tests > 0
