"""Do labels of a batch disagree with a classifier of the reference more than the reference's own labels do?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from credenza.checks.samples.crossfit import parts
from credenza.checks.samples.logistic import Scale
from credenza.contracts import FloatArray, IntArray

FOLDS = 5
BINS = 8  # of the margin, for each class that is predicted
LEAST_CHANCE = 0.05  # of disagreement, below which rows weigh no more
STEPS = 12  # of Newton's method, at most


@dataclass(frozen=True)
class Disagreement:
    """How labels of a batch disagree with content.

    Attributes
    ----------
    rows, found : of the batch, and those whose label is not the most probable one.
    expected : how many that would be with the doubt that the reference leaves. z, p : of the difference, one-sided.
    rate : estimated share of wrong labels, in [0, 1].
    accuracy : of the classifier on the reference, out of sample. chance : share of the reference's most frequent class.
    scores : (n,) one less the probability of the row's own label.
    """

    rows: int
    found: int
    expected: float
    z: float
    p: float
    rate: float
    accuracy: float
    chance: float
    scores: FloatArray


def disagreement(
    own: FloatArray, labels: IntArray, known: FloatArray, known_labels: IntArray, *, seed: int, ridge: float
) -> Disagreement:
    """Judge a batch's labels by logistic regressions of the reference.

    Parameters
    ----------
    own, known : content of both, (n, d) and (N, d). labels, known_labels : classes from 0 to k - 1, all in ``known``.
    seed : of the parts. ridge : of the regressions.

    Notes
    -----
    The reference is cut in five; each part is judged by a model of the other four, and so is a fifth of the batch. Rows
    fall into cells of the class t that content names and the margin ln p_t - ln max p_other (eight quantiles). A
    cell's chance of disagreement is what the reference shows there, so a batch of harder rows is expected to disagree
    more. A wrong label disagrees with chance 1 - q / (k - 1) in place of q, the chance in its cell; so a row that
    leaves less doubt says more. With r = 1 - q - q / (k - 1), m rows of the batch and n of the reference in a cell, and
    y whether a row disagrees,

        z = sum v (y - q) / sqrt(sum v^2 q (1 - q) (1 + m / n)),    v = r / (max(q, 1/20) (1 - q)),

    the score test of a share of wrong labels, but for the bound 1/20, without which a few rows would decide. The share
    is sum v (y - q) / sum v r. Cost: five regressions.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2_000, 1))
    >>> y = (x[:, 0] + 0.3 * rng.normal(size=2_000) > 0).astype(int)
    >>> right = disagreement(x[:1_000], y[:1_000], x[1_000:], y[1_000:], seed=0, ridge=1.0)
    >>> wrong = np.where(np.arange(1_000) < 100, 1 - y[:1_000], y[:1_000])
    >>> found = disagreement(x[:1_000], wrong, x[1_000:], y[1_000:], seed=0, ridge=1.0)
    >>> right.p > 0.01, found.p < 1e-6, round(found.rate, 1)
    (True, True, 0.1)
    """
    classes = int(known_labels.max()) + 1
    mine, theirs = np.empty((len(own), classes)), np.empty((len(known), classes))
    for k, (inside, outside) in enumerate(parts(known_labels, FOLDS, seed)):
        asked = np.concatenate([known[inside], own[k::FOLDS]])
        found = class_chances(known[outside], known_labels[outside], asked, classes, ridge)
        theirs[inside], mine[k::FOLDS] = found[: len(inside)], found[len(inside) :]
    chance, rows = _chances(mine, theirs, known_labels)
    wrong = mine.argmax(axis=1) != labels
    reach = np.maximum(1.0 - chance - chance / max(classes - 1, 1), 0.0)
    weight = reach / (np.maximum(chance, LEAST_CHANCE) * (1.0 - chance))
    excess = float((weight * (wrong - chance)).sum())
    spread = float(np.sqrt((weight**2 * chance * (1.0 - chance) * (1.0 + rows)).sum()))
    z = excess / max(spread, 1e-9)
    rate = excess / max(float((weight * reach).sum()), 1e-9)
    return Disagreement(
        len(own), int(wrong.sum()), float(chance.sum()), z, float(special.ndtr(-z)), float(np.clip(rate, 0.0, 1.0)),
        float((theirs.argmax(axis=1) == known_labels).mean()),
        float(np.bincount(known_labels).max() / len(known_labels)),
        1.0 - mine[np.arange(len(own)), labels],
    )  # fmt: skip


def class_chances(
    rows: FloatArray, labels: IntArray, asked: FloatArray, classes: int, ridge: float
) -> FloatArray:
    """Probabilities of the classes of other rows, by one logistic regression a class against the rest.

    Parameters
    ----------
    rows : (n, d) with labels (n,) from 0 to classes - 1. asked : (q, d). ridge : on standardised columns, positive.

    Returns
    -------
    (q, classes), rows sum to 1. By Newton's method, O(steps classes n d^2), which the one-hot columns of a table need:
    they make gradient methods slow.

    Examples
    --------
    >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> class_chances(x, np.array([0, 0, 1, 1]), np.array([[-3.0], [3.0]]), 2, 1.0).argmax(axis=1).tolist()
    [0, 1]
    """
    scale = Scale.of(rows)
    design, wanted = scale.apply(rows), scale.apply(asked)
    penalty = np.full(design.shape[1], ridge)
    penalty[-1] = 1e-6
    out = np.empty((len(asked), classes))
    for k in range(1 if classes == 2 else classes):
        out[:, k] = special.expit(wanted @ _newton(design, labels == k, penalty))
    if classes == 2:
        out[:, 1] = 1.0 - out[:, 0]
    out = np.maximum(out, 1e-12)
    return np.asarray(out / out.sum(axis=1, keepdims=True))


def _newton(design: FloatArray, yes: NDArray[np.bool_], penalty: FloatArray) -> FloatArray:
    w = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = special.expit(design @ w)
        weight = np.maximum(p * (1.0 - p), 1e-4)
        gradient = design.T @ (yes - p) - penalty * w
        hessian = (design * weight[:, None]).T @ design
        hessian[np.diag_indices(len(w))] += penalty
        step = linalg.solve(hessian, gradient, assume_a="pos")
        w = w + step
        if np.abs(step).max(initial=0.0) < 1e-3:
            break
    return w


def _chances(mine: FloatArray, theirs: FloatArray, labels: IntArray) -> tuple[FloatArray, FloatArray]:
    """(chance of disagreement, m_b / n_b of its cell) of each row of the batch."""
    named, top = theirs.argmax(axis=1), mine.argmax(axis=1)
    wrong, margins, own = named != labels, _margin(theirs), _margin(mine)
    chance, ratio = np.empty(len(mine)), np.empty(len(mine))
    for t in range(theirs.shape[1]):
        there, here = named == t, top == t
        edges = np.quantile(margins[there], np.arange(1, BINS) / BINS) if there.any() else np.empty(0)
        cells = np.searchsorted(edges, margins[there])
        sizes = np.bincount(cells, minlength=len(edges) + 1)
        bad = np.bincount(cells, weights=wrong[there], minlength=len(edges) + 1)
        at = np.searchsorted(edges, own[here])
        chance[here] = ((bad + 0.5) / (sizes + 1.0))[at]
        ratio[here] = (np.bincount(at, minlength=len(sizes)) / (sizes + 1.0))[at]
    return chance, ratio


def _margin(p: FloatArray) -> FloatArray:
    logs = np.log(np.maximum(p, 1e-30))
    two = np.partition(logs, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])
