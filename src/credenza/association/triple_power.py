"""How much of a three-way interaction was moved, with its interval, and the smallest strength that would be seen.

A strength eps adds eps (-1)^(a + b + c) to the cells of a 2x2x2 table, which changes no pair table. The other way
round, two tables with the same pair tables differ by exactly one such eps; so the strength of a shift is the one that
has to be taken from the suspect to leave it with the reference's three-way odds ratio. It is the mean signed change of
the eight cells, from the table that the suspect's own pair tables and the reference's interaction imply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.association.tails import normal_isf
from credenza.association.triple_counts import TripleCounts
from credenza.association.triple_exact import SIGNS
from credenza.association.triple_shift import comparable, contrast
from credenza.contracts import FloatArray

HALVINGS = 50  # of the interval that a strength is searched in: to 1e-15 of its width
PLUS, MINUS = np.flatnonzero(SIGNS > 0), np.flatnonzero(SIGNS < 0)


def triple_strengths(reference: FloatArray, suspect: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Strength of the shift of each 2x2x2 comparison and its standard error.

    Parameters
    ----------
    reference, suspect : cells (8, M), counts or effective counts; half a row is added to each.

    Returns
    -------
    (eps, se), each (M,). With p the shares, E = p_suspect - eps (-1)^(a + b + c) and W = sum 1 / E, by the delta method
    se^2 = (max(W, sum p_suspect / E^2 - (eps W)^2) / n_suspect + sum (1 / p_reference) / n_reference) / W^2. The first
    of the two is the spread when a fixed number of rows was edited, the second that of rows from a poisoned source.

    Examples
    --------
    >>> even = np.full((8, 1), 1000.0)
    >>> eps, se = triple_strengths(even, even + 160.0 * SIGNS[:, None])
    >>> eps.round(3).tolist(), se.round(4).tolist()
    ([0.02], [0.002])
    """
    r, s = reference + 0.5, suspect + 0.5
    n_r, n_s, sign = r.sum(axis=0), s.sum(axis=0), SIGNS[:, None]
    goal, low, high = contrast(reference), -s[MINUS].min(axis=0), s[PLUS].min(axis=0)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        left = np.maximum(s - sign * middle, 1e-300)
        above = SIGNS @ np.log(left) > goal
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    eps = 0.5 * (low + high) / n_s
    p = s / n_s
    expected = np.maximum(p - sign * eps, 0.5 / n_s)
    weight = (1.0 / expected).sum(axis=0)
    own = np.maximum((p / expected**2).sum(axis=0) - (eps * weight) ** 2, weight)
    return eps, np.sqrt(own / n_s + (n_r / r).sum(axis=0) / n_r) / weight


@dataclass(frozen=True)
class TriplePower:
    """The smallest strengths that would have been seen with the stated power, one for each tested triple.

    ``strength`` is that of the triple's most favourable table; infinite where no feasible strength would be seen.
    """

    strength: FloatArray
    power: float

    def typical(self) -> float:
        """The strength that half of the triples that can show one would have shown."""
        seen = self.strength[np.isfinite(self.strength)]
        return float(np.median(seen)) if len(seen) else float("inf")

    def weakest(self) -> float:
        """The strength that every triple that can show one would have shown."""
        seen = self.strength[np.isfinite(self.strength)]
        return float(seen.max()) if len(seen) else float("inf")


def smallest_strengths(tables: FloatArray, rows: float, size: float, needed: FloatArray) -> FloatArray:
    """The smallest strength at which the contrasts of two samples are ``needed`` standard errors apart.

    Parameters
    ----------
    tables : cells (8, M) of the reference, of ``rows`` rows. size : rows of the suspect.
    needed : (M,), standard errors.

    Returns
    -------
    float (M,): a shift of this strength is seen in either direction, or in the one that has room for it where the other
    has none; infinite where there is no such strength.

    Notes
    -----
    Half a row is added to each cell. Along a direction the cells that are emptied bound the strength; the score rises
    until they are nearly empty, and its largest value is looked for on a grid before the root is.

    Examples
    --------
    >>> smallest_strengths(np.full((8, 1), 1000.0), 8000, 8000, np.array([5.0])).round(4).tolist()
    [0.0099]
    """
    p, out, most = tables / rows, np.zeros(tables.shape[1]), np.zeros(tables.shape[1])
    fixed, noise = contrast(tables), (1.0 / (tables + 0.5)).sum(axis=0)

    def score(eps: FloatArray, sign: float) -> FloatArray:
        moved = np.maximum(p + sign * eps * SIGNS[:, None], 0.0) * size
        return np.asarray(
            sign * (contrast(moved) - fixed) / np.sqrt(noise + (1.0 / (moved + 0.5)).sum(axis=0))
        )

    for sign, emptied in ((1.0, MINUS), (-1.0, PLUS)):
        room = p[emptied].min(axis=0)
        offset = score(np.zeros_like(room), sign)
        grid = np.linspace(0.0, 1.0, 41)
        scores = np.stack([score(share * room, sign) - offset for share in grid])
        peak = scores.argmax(axis=0)
        low, high = np.zeros_like(room), room * grid[peak]
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            short = score(middle, sign) - offset < needed
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        seen = scores.max(axis=0) >= needed
        out = np.maximum(out, np.where(seen, high, room))
        most = np.where(seen, np.maximum(most, room), most)
    return np.where(out < most, out, np.inf)


def detectable_triples(
    reference: TripleCounts, size: float, *, alpha: float, power: float = 0.8
) -> TriplePower:
    """The smallest strength each triple would have shown with the given power.

    For a triple with k testable tables among N tested triples the contrasts have to be z_{1 - alpha / (2 N k)} +
    z_power standard errors apart, at the table where the standard error of the strength is smallest in relation to the
    room for it. The threshold is Bonferroni's, so for the first of several Benjamini-Hochberg rejections the statement
    is on the safe side.

    Parameters
    ----------
    reference : triple counts. size : independent rows that the suspect is worth.
    alpha : false discovery rate. power : probability of being seen.

    Returns
    -------
    TriplePower, of the triples that have a testable table.

    Notes
    -----
    Cost: some arithmetic a table, and 200 rounds of it at one table a triple.

    Examples
    --------
    >>> from credenza.association.probes import Layout
    >>> rows = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)] * 1000, np.uint8)
    >>> counts = TripleCounts.empty(Layout((2, 2, 2), (0, 0, 0))).update(rows)
    >>> round(detectable_triples(counts, 8000, alpha=0.05).typical(), 4)
    0.0055
    """
    threes, rows = reference.threes, float(reference.rows)
    best, cells, tests = [], [], []
    factor = np.sqrt(1.0 / max(rows, 1.0) + 1.0 / max(size, 1.0))
    for first, _, _, heads in threes.blocks():
        count, least = np.zeros(len(heads), np.int64), np.full(len(heads), np.inf)
        chosen = np.zeros((8, len(heads)))
        for probe in range(first.start, first.stop):
            table = reference.tables(probe)
            usable = comparable(table, table * (size / max(rows, 1.0)))
            p = (table + 0.5) / max(rows, 1.0)
            room = np.maximum(p[MINUS].min(axis=0), p[PLUS].min(axis=0))
            hard = np.where(usable, factor / np.sqrt((1.0 / p).sum(axis=0)) / room, np.inf)
            low = np.minimum.reduceat(hard, heads)
            every = np.repeat(low, np.diff(heads, append=len(hard)))
            place = np.where(hard <= every, np.arange(len(hard)), len(hard))
            where = np.minimum.reduceat(place, heads)
            better = low < least
            least[better], chosen[:, better] = low[better], table[:, where[better]]
            count += np.add.reduceat(usable, heads, dtype=np.int64)
        best.append(least)
        cells.append(chosen)
        tests.append(count)
    return _at_best(
        np.concatenate([np.zeros((8, 0)), *cells], axis=1),
        np.concatenate([np.zeros(0), *tests]),
        rows,
        size,
        alpha,
        power,
    )


def _at_best(
    cells: FloatArray, tests: FloatArray, rows: float, size: float, alpha: float, power: float
) -> TriplePower:
    tested = tests > 0
    if not tested.any():
        return TriplePower(np.zeros(0), power)
    share = alpha / (2.0 * tested.sum() * tests[tested])
    needed = normal_isf(share) + normal_isf(1.0 - power)
    return TriplePower(smallest_strengths(cells[:, tested], rows, size, needed), power)
