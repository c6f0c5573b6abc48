"""Normals whose correlations can be sampled from, and whose cut levels are associated as the data is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from credenza.contracts import FloatArray
from credenza.models.tabular.latent import LIMIT, PairBlock

FLOOR = 1e-6  # of an eigenvalue


def matched_factor(matrix: FloatArray, blocks: Sequence[PairBlock], *, rounds: int = 100) -> FloatArray:
    """A factor U with rows of length 1, so that U U' is the correlation matrix nearest to what the pair tables ask for.

    Correlations that were found pair by pair need not belong to any distribution: levels that exclude each other
    ask for
    -1 many times over. "Nearest" is meant in the rank correlations (MCC, for binary features) of the cut levels,
    not in the latent ones: minimise sum over pairs (reached(u_i . u_j) - goal)^2 by L-BFGS over U, from the matrix
    with its negative eigenvalues clipped. A matrix that is positive definite already is met exactly, by its
    Cholesky factor.

    Parameters
    ----------
    matrix : (m, m), symmetric with a unit diagonal. blocks : see :func:`credenza.models.tabular.latent.pair_blocks`.
    rounds : steps of the search at most.

    Returns
    -------
    (m, m)

    Notes
    -----
    On 40 CelebA attributes (16,000 rows, smallest eigenvalue -2.4) the mean error of the MCC is .0086, against
    .0137 after clipping and .0129 at the nearest matrix in Frobenius norm (Higham 2002); sampling noise is .0033.
    Cost a step: 2 m^3 operations, and 2 evaluations of Owen's T a pair of cuts; .3 s there in all.

    Examples
    --------
    >>> matched_factor(np.array([[1.0, 0.6], [0.6, 1.0]]), []).round(3).tolist()
    [[1.0, 0.0], [0.6, 0.8]]
    """
    if not len(matrix) or np.linalg.eigvalsh(matrix)[0] >= FLOOR:
        return np.asarray(np.linalg.cholesky(matrix)) if len(matrix) else matrix
    m = len(matrix)
    found = minimize(
        _loss,
        clipped_factor(matrix).ravel(),
        args=(blocks, m),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": rounds},
    )
    return _unit_rows(found.x.reshape(m, m))[0]


def clipped_factor(matrix: FloatArray) -> FloatArray:
    """A factor, rows of length 1, of the matrix with its eigenvalues raised to FLOOR and its diagonal scaled to 1."""
    values, vectors = np.linalg.eigh(matrix)
    return _unit_rows(vectors * np.sqrt(np.maximum(values, FLOOR)))[0]


def _unit_rows(factor: FloatArray) -> tuple[FloatArray, FloatArray]:
    lengths = np.linalg.norm(factor, axis=1, keepdims=True)
    return factor / lengths, lengths


def _loss(flat: FloatArray, blocks: Sequence[PairBlock], m: int) -> tuple[float, FloatArray]:
    """Sum of squared errors of the rank correlations, and its gradient by the factor before its rows are scaled."""
    factor, lengths = _unit_rows(flat.reshape(m, m))
    correlations = np.clip(factor @ factor.T, -LIMIT, LIMIT)
    total, slopes = 0.0, np.zeros((m, m))
    for block in blocks:
        r = correlations[block.i, block.j]
        error = block.reached(r) - block.goal
        total += float(error @ error)
        slopes[block.i, block.j] = 2.0 * error * block.slopes(r)
    pull = (slopes + slopes.T) @ factor
    pull -= factor * (pull * factor).sum(axis=1, keepdims=True)
    return total, np.asarray((pull / lengths).ravel())
