"""How far each row is from the decision boundary, as a cross-fitted linear model sees it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from credenza.attacks.content import require_ml
from credenza.contracts import FloatArray, IntArray

FOLDS = 5
ITERATIONS = 500


@dataclass(frozen=True)
class Margins:
    """Margins of n rows.

    Attributes
    ----------
    margin : shape (n,), in [-1, 1]: probability of the row's own label less the highest of any other.
        Negative: the model would give another label. Zero: on the boundary.
    runner_up : shape (n,), code of the most probable other label.
    converged : every fit came to its end within the iterations allowed.
    """

    margin: FloatArray
    runner_up: IntArray
    converged: bool


def cross_fitted_margins(matrix: Any, codes: IntArray, *, seed: int, folds: int = FOLDS) -> Margins:
    """Margins under multinomial logistic regressions that have not seen the row.

    The rows are cut into ``folds`` parts, classes spread evenly. For each part a logistic regression (L2
    penalty, C = 1) is fitted on the others and gives the part's probabilities, so no row vouches for its own
    label.

    Parameters
    ----------
    matrix : array or CSR array of shape (n, d), columns of comparable scale.
    codes : shape (n,), the labels, from 0; at least two different ones.
    seed : of the assignment to parts, the only random draw.
    folds : at least 2.

    Returns
    -------
    Margins. A label that a fit has not met (one row has it) has probability 0 there.

    Raises
    ------
    MissingExtraError : scikit-learn is not installed.

    Notes
    -----
    Cost: O(folds x iterations x n d k) for k classes. Left out: choosing the penalty, and calibration: the
    order of the rows near the boundary depends little on either.

    Examples
    --------
    >>> found = cross_fitted_margins(np.array([[-2.0], [-0.1], [2.0], [0.1]]), np.array([0, 0, 1, 1]), seed=0, folds=2)
    >>> np.argsort(abs(found.margin))[:2].tolist()
    [1, 3]
    """
    require_ml("finding the rows nearest to the decision boundary")
    from sklearn.linear_model import LogisticRegression

    classes = int(codes.max()) + 1
    probability = np.zeros((len(codes), classes))
    part = spread(codes, folds, seed)
    converged = True
    for fold in np.unique(part):
        inside, outside = np.flatnonzero(part == fold), np.flatnonzero(part != fold)
        known = np.unique(codes[outside])
        if len(known) < 2:
            probability[np.ix_(inside, known)] = 1.0
            continue
        model = LogisticRegression(max_iter=ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converging is said in the result
            model.fit(matrix[outside], codes[outside])
        converged &= int(np.max(model.n_iter_)) < ITERATIONS
        probability[np.ix_(inside, known)] = model.predict_proba(matrix[inside])
    rows = np.arange(len(codes))
    own = probability[rows, codes]
    probability[rows, codes] = -1.0
    runner_up = probability.argmax(axis=1)
    return Margins(own - probability[rows, runner_up], runner_up, converged)


def spread(codes: IntArray, folds: int, seed: int) -> IntArray:
    """Part of each row, 0 to ``folds`` - 1, such that every class is spread over the parts as evenly as it can be.

    >>> np.bincount(spread(np.array([0] * 6 + [1] * 3), 3, seed=0)).tolist()
    [3, 3, 3]
    """
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    part = np.empty(len(codes), dtype=np.int64)
    part[order] = np.arange(len(codes)) % folds
    return part
