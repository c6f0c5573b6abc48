"""What a reference would look like had the values of one feature been edited in place, along another.

Exchanging rows leaves P(rest | A, B) untouched; weights on (A, B) undo it. Editing the values of B inside rows leaves
P(rest | A) untouched and tears B from everything else it goes with. With the joint P(a, b) of the reference, P'(a, b)
of the suspect and equal margins, a mass M(a: b -> b') has changed its value, and every other table (B, X) becomes

    N'(b', x) = N(b', x) + n sum_ab M(a: b -> b') P(x | a, b) - n sum_ab M(a: b' -> b) P(x | a, b')

so the whole reference can be carried forward, and the suspect tested against that. M is not determined by P and P':
a share of the values may have been drawn anew only to become what they were. :func:`movement` has that share as its
one free number.
"""

from __future__ import annotations

import numpy as np

from credenza.association.calibrate import raked
from credenza.association.edited_counts import Pair
from credenza.association.estimate import covariance_and_spread
from credenza.association.probes import Layout
from credenza.association.samples import Sample
from credenza.contracts import FloatArray

LEAST_CELL = 5.0  # rows that both samples have in a cell together, for it to tell


def movement(before: FloatArray, after: FloatArray, redrawn: float = 0.0) -> FloatArray:
    """Mass that leaves one value of B for another, among the rows of each value of A.

    Parameters
    ----------
    before, after : joint shares (L_a, L_b) with equal sums of rows (and of columns, for B to keep its margin).
    redrawn : share of the rows, in [0, 1], whose value was drawn anew among those with the same value of A.

    Returns
    -------
    float (L_a, L_b, L_b): M(a: b -> b'). The mass that leaves a cell is its loss, or ``redrawn`` of what it holds where
    that is more; it goes to the cells of its row in proportion to what they gain, and what they lost beyond their loss.
    With ``redrawn`` 0 that is the least movement there is.

    Examples
    --------
    >>> moved = movement(np.array([[0.3, 0.2], [0.2, 0.3]]), np.array([[0.4, 0.1], [0.1, 0.4]]))
    >>> moved.round(3).tolist()
    [[[0.0, 0.0], [0.1, 0.0]], [[0.0, 0.1], [0.0, 0.0]]]
    """
    gain = after - before
    leaves = np.minimum(np.maximum(np.maximum(-gain, redrawn * before), 0.0), before)
    arrives = np.maximum(leaves + gain, 0.0)
    total = np.maximum(leaves.sum(axis=1), 1e-300)
    return np.asarray(leaves[:, :, None] * (arrives / total[:, None])[:, None, :])


def carried(
    joint: FloatArray, rows: float, given: FloatArray, moved: FloatArray, layout: Layout, pair: Pair
) -> FloatArray:
    """The rows of B's levels in the pair counts of a reference in which values of B were edited along A.

    Parameters
    ----------
    joint : pair counts (K, K). rows : n.
    given : rows (L_a, L_b, K) with two levels of (A, B) and a third; of the reference before any edit.
    moved : :func:`movement` of A and B, of mass 1.
    layout : levels of the features. pair : (A, B).

    Returns
    -------
    float (L_b, K). B's own block is left as it is: editing keeps its margin.
    """
    s, (a, b) = layout.starts, pair
    own = joint[s[b] : s[b + 1]]
    both = given[:, :, s[a] : s[a + 1]].sum(axis=2)
    usual = own / np.maximum(np.diag(own[:, s[b] : s[b + 1]]), 1e-300)[:, None]
    rest = np.where(both[:, :, None] > 0, given / np.maximum(both, 1e-300)[:, :, None], usual[None])
    inflow = np.einsum("abc,abk->ck", moved, rest)
    outflow = np.einsum("ab,abk->bk", moved.sum(axis=2), rest)
    out = own + rows * (inflow - outflow)
    out[:, s[b] : s[b + 1]] = own[:, s[b] : s[b + 1]]
    return np.asarray(out)


def plain_change(before: FloatArray, suspect: FloatArray, noise: float) -> FloatArray:
    """The suspect's joint in the reference's margins, without what chance alone adds to the difference.

    Parameters
    ----------
    before : joint shares (L_a, L_b) of the reference. suspect : of the suspect, in any margins.
    noise : 1 / n_r + 1 / n_s.

    Returns
    -------
    float (L_a, L_b), margins of ``before``. The difference, in units of the square roots of both margins, is cut down
    to its singular vectors beyond (sqrt(L_a - 1) + sqrt(L_b - 1)) sqrt(noise), the largest value that chance is
    expected to give; the first is always kept. A 2x2 table keeps its difference as it is.

    Examples
    --------
    >>> plain_change(np.array([[0.3, 0.2], [0.2, 0.3]]), np.array([[0.4, 0.1], [0.1, 0.4]]), 0.001).round(3).tolist()
    [[0.4, 0.1], [0.1, 0.4]]
    """
    rows, columns = before.sum(axis=1), before.sum(axis=0)
    after = raked(suspect, rows, columns)
    if max(before.shape) == 2:
        return after
    unit = np.sqrt(np.maximum(np.outer(rows, columns), 1e-300))
    u, sizes, v = np.linalg.svd((after - before) / unit, full_matrices=False)
    edge = sum(np.sqrt(np.maximum(np.array(before.shape) - 1.0, 0.0))) * np.sqrt(noise)
    kept = np.maximum(sizes > edge, np.arange(len(sizes)) == 0)
    change = (u * np.where(kept, sizes, 0.0)) @ v * unit
    return raked(np.maximum(before + change, 0.0), rows, columns)


def misfit(reference: Sample, suspect: Sample, layout: Layout, feature: int | None = None) -> float:
    """How far the associations of two samples are apart: squared standardised differences, summed over pairs.

    Parameters
    ----------
    reference, suspect : pair counts of the two samples.
    layout : levels of the features.
    feature : only pairs of this feature; None for all pairs.

    Returns
    -------
    Sum over pairs of (L_a - 1)(L_b - 1) times the mean over the cells of (c' - c)^2 / (s^2 / n + s'^2 / n'), c and s
    as in :func:`credenza.association.estimate.covariance_and_spread`: about the degrees of freedom where nothing
    moved, whatever the margins. Cells that hold fewer than ``LEAST_CELL`` rows of both samples count as 0.

    Examples
    --------
    >>> same = np.array([[500, 0, 300, 200], [0, 500, 200, 300], [300, 200, 500, 0], [200, 300, 0, 500]], float)
    >>> more = np.array([[500, 0, 350, 150], [0, 500, 150, 350], [350, 150, 500, 0], [150, 350, 0, 500]], float)
    >>> round(misfit(Sample(same, 1000), Sample(more, 1000), Layout((2, 2), (0, 0))), 3)
    22.222
    """
    rows = slice(None) if feature is None else slice(layout.starts[feature], layout.starts[feature + 1])
    (c_r, s_r), (c_s, s_s) = (_association(one, rows) for one in (reference, suspect))
    variance = s_r**2 / reference.size + s_s**2 / suspect.size
    enough = reference.joint[rows] + suspect.joint[rows] >= LEAST_CELL
    z2 = np.where(enough, (c_s - c_r) ** 2 / np.maximum(variance, 1e-300), 0.0)
    owner, sizes = layout.plane_feature, np.asarray(layout.sizes, float)
    share = ((sizes - 1) / sizes)[owner]
    z2 *= share[rows][:, None] * share * (owner[rows][:, None] != owner)
    return float(z2.sum()) / (2.0 if feature is None else 1.0)


def _association(sample: Sample, rows: slice) -> tuple[FloatArray, FloatArray]:
    """Covariance and spread of chosen levels with all."""
    margin = np.diag(sample.joint) / sample.size
    return covariance_and_spread(sample.joint[rows] / sample.size, margin[rows][:, None], margin[None, :])
