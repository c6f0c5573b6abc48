"""Correlations of the normal variables behind ordered levels, from the pair tables of the levels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, owens_t

from credenza.contracts import FloatArray, IntArray

LIMIT = 0.9995  # of a correlation
HALVINGS = 24  # of the interval in which a correlation lies
CELLS = 1 << 18  # pairs of cuts that are evaluated at once


def bivariate_normal(h: FloatArray, k: FloatArray, correlation: FloatArray) -> FloatArray:
    """P(X <= h, Y <= k) for standard normal X, Y with this correlation, by Owen's T (1956, Ann. Math. Stat. 27:1075).

    Phi2 = (Phi(h) + Phi(k)) / 2 - T(h, (k - r h) / (h s)) - T(k, (h - r k) / (k s)) - [h k < 0] / 2, s = sqrt(1 -
    r^2).

    Parameters
    ----------
    h, k : finite or infinite; broadcast with ``correlation``, in (-1, 1).

    Returns
    -------
    Probabilities; absolute error below 1e-12.

    Examples
    --------
    >>> bivariate_normal(np.zeros(2), np.zeros(2), np.array([0.0, 0.5])).round(6).tolist()
    [0.25, 0.333333]
    """
    tiny = 1e-150  # the formula's limits at 0 are those at a number this small
    h, k = (np.clip(np.where(np.abs(x) < tiny, tiny, x), -40.0, 40.0) for x in (h, k))
    spread = np.sqrt(1.0 - correlation**2)
    above = owens_t(h, (k / h - correlation) / spread) + owens_t(k, (h / k - correlation) / spread)
    return np.asarray((ndtr(h) + ndtr(k)) / 2 - above - 0.5 * (h * k < 0))


@dataclass(frozen=True)
class PairBlock:
    """Some pairs of features with as many cuts each: what their tables ask of the correlations behind them.

    Attributes
    ----------
    i, j : (P,) the features. cuts_i, cuts_j : (P, A), (P, B), where the normals are cut.
    steps_i, steps_j : (P, A), (P, B), steps of the standardised mid-rank scores across the cuts.
    goal : (P,) rank correlation of each pair in its table.
    """

    i: IntArray
    j: IntArray
    cuts_i: FloatArray
    cuts_j: FloatArray
    steps_i: FloatArray
    steps_j: FloatArray
    goal: FloatArray

    def reached(self, correlations: FloatArray) -> FloatArray:
        """Rank correlations (P,) of the cut normals under these latent correlations (P,)."""
        h, k = self.cuts_i[:, :, None], self.cuts_j[:, None, :]
        excess = bivariate_normal(h, k, correlations[:, None, None]) - ndtr(h) * ndtr(k)
        return np.asarray(np.einsum("pa,pb,pab->p", self.steps_i, self.steps_j, excess))

    def slopes(self, correlations: FloatArray) -> FloatArray:
        """Derivatives (P,) of :meth:`reached`: dPhi2 / dr is the normal density at the cuts (Plackett 1954)."""
        h, k, r = self.cuts_i[:, :, None], self.cuts_j[:, None, :], correlations[:, None, None]
        rest = 1.0 - r**2
        density = np.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * rest)) / (2 * np.pi * np.sqrt(rest))
        return np.asarray(np.einsum("pa,pb,pab->p", self.steps_i, self.steps_j, density))


def pair_blocks(shares: FloatArray, starts: Sequence[int]) -> list[PairBlock]:
    """All pairs of features that vary, in blocks of as many cuts.

    Parameters
    ----------
    shares : (K, K), joint shares of all levels, levels in ascending order, the marginals on the diagonal.
    starts : (m + 1,) first level of each feature, and K.
    """
    m = len(starts) - 1
    features = [_cut(np.diag(shares)[starts[j] : starts[j + 1]]) for j in range(m)]
    groups: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for i in range(m):
        for j in range(i + 1, m):
            sizes = (len(features[i][0]), len(features[j][0]))
            if min(sizes):
                groups[sizes].append((i, j))
    blocks = []
    for (a, b), pairs in groups.items():
        step = max(1, CELLS // (a * b))
        for first in range(0, len(pairs), step):
            chosen = pairs[first : first + step]
            i, j = np.array(chosen).T
            cuts_i, steps_i = (np.array([features[p][part] for p in i]) for part in (0, 1))
            cuts_j, steps_j = (np.array([features[p][part] for p in j]) for part in (0, 1))
            tables = (shares[starts[p] : starts[p + 1], starts[q] : starts[q + 1]] for p, q in chosen)
            goal = [features[p][2] @ t @ features[q][2] for (p, q), t in zip(chosen, tables, strict=True)]
            blocks.append(PairBlock(i, j, cuts_i, cuts_j, steps_i, steps_j, np.array(goal)))
    return blocks


def latent_correlations(blocks: Sequence[PairBlock], m: int) -> FloatArray:
    """The correlation under which two cut normals have the rank correlation that each pair of features has.

    A feature with ordered levels is a standard normal, cut where its marginal says. With the standardised mid-ranks
    s_a of the levels as scores, Corr(s_a, s_b) = sum over cuts c, d of ds_a(c) ds_b(d) (Phi2(c, d; r) - Phi(c)
    Phi(d)) rises in r and is solved by halving. For two binary features Corr is the MCC and r the tetrachoric
    correlation (Pearson 1900): their table is met exactly.

    Parameters
    ----------
    blocks : see :func:`pair_blocks`. m : number of features.

    Returns
    -------
    (m, m), symmetric, ones on the diagonal, others in [-LIMIT, LIMIT]; 0 where a feature does not vary. Not always
    positive definite: see :func:`credenza.models.tabular.matching.matched_factor`.

    Notes
    -----
    Cost: 24 x 2 evaluations of T a pair of cuts: 780 pairs of binary features .02 s, of 16 levels 2 s.

    Examples
    --------
    >>> together, apart = [1 / 3, 1 / 6], [1 / 6, 1 / 3]
    >>> table = np.array([[0.5, 0, *together], [0, 0.5, *apart], [*together, 0.5, 0], [*apart, 0, 0.5]])
    >>> latent_correlations(pair_blocks(table, [0, 2, 4]), 2).round(5).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    result = np.eye(m)
    for block in blocks:
        low, high = np.full(len(block.goal), -LIMIT), np.full(len(block.goal), LIMIT)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            short = block.reached(middle) < block.goal
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        result[block.i, block.j] = result[block.j, block.i] = (low + high) / 2
    return result


def _cut(margin: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cuts (C,) of the normal, steps (C,) across them, and standardised mid-rank scores (L,) of a feature's levels.

    Levels that never occur have no cut of their own.
    """
    margin = margin / max(float(margin.sum()), 1e-300)
    below = np.cumsum(margin)
    scores = below - margin / 2
    scores -= margin @ scores
    spread = float(np.sqrt(margin @ scores**2))
    scores /= spread if spread > 0 else 1.0
    present = np.flatnonzero(margin > 0)
    return ndtri(below[present[:-1]]), np.diff(scores[present]), scores
