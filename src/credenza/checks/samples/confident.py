"""Confident learning: which labels the content contradicts with confidence, by cleanlab."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from credenza.checks.samples.crossfit import CrossFit
from credenza.contracts import FloatArray
from credenza.errors import MissingExtraError


def confident_issues(fit: CrossFit) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Score every label, and pick those that confident learning takes for wrong.

    Parameters
    ----------
    fit : out-of-sample probabilities of r rows.

    Returns
    -------
    (scores, wrong) : scores (r,) in [0, 1], one less the probability of the row's own label, high is suspicious; wrong
    (r,), chosen by the noise rates between classes that the confident joint estimates.

    Raises
    ------
    MissingExtraError : cleanlab is not installed.

    References
    ----------
    Northcutt, Jiang and Chuang (2021), Confident learning: estimating uncertainty in dataset labels, JAIR 70, section
    3: a row counts as class j when its p_j reaches the mean p_j of the rows labelled j; as many rows of each
    off-diagonal cell as its estimated rate says are picked, by their margin.

    Examples
    --------
    >>> p = np.tile([[0.9, 0.1], [0.1, 0.9]], (20, 1))
    >>> labels = np.tile([0, 1], 20)
    >>> labels[0] = 1
    >>> scores, wrong = confident_issues(CrossFit(np.arange(40), labels, (0, 1), p))
    >>> np.flatnonzero(wrong).tolist(), float(scores[0].round(2))
    ([0], 0.9)
    """
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError as error:
        raise MissingExtraError(
            "confident learning needs cleanlab, which is not installed: pip install 'credenza[ml]'"
        ) from error
    quality = get_label_quality_scores(fit.labels, fit.probabilities, method="self_confidence")
    wrong = find_label_issues(fit.labels, fit.probabilities, n_jobs=1)
    return 1.0 - np.asarray(quality, np.float64), np.asarray(wrong, bool)
