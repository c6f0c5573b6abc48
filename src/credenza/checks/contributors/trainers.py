"""Small models that are trained again and again: rows and labels in, probabilities of the test rows out."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.checks.batches.doubt import class_chances
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError, MissingExtraError, UsageError

# Rows (n, ...), their labels (n,), test rows (m, ...), number of classes k -> probabilities (m, k).
Trainer = Callable[[NDArray[Any], IntArray, NDArray[Any], int], FloatArray]
MODELS = ("logistic", "boosting", "images")
RIDGE = 1.0  # on standardised columns
TREES, LEAVES, RATE = 60, 15, 0.1
LEAST_CHANCE = 1e-6  # below which a loss does not grow


def trainer(model: str | Trainer, *, seed: int) -> Trainer:
    """What trains a model of this name, or the given function.

    Raises
    ------
    UsageError : an unknown name. MissingExtraError : "boosting" without scikit-learn, "images" without torch.

    Examples
    --------
    >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> trainer("logistic", seed=0)(x, np.array([0, 0, 1, 1]), np.array([[-3.0], [3.0]]), 2).argmax(axis=1).tolist()
    [0, 1]
    """
    if callable(model):
        return model
    if model == "logistic":
        return _logistic
    if model == "boosting":
        return _boosting(seed)
    if model == "images":
        return _network(seed)
    raise UsageError(f"unknown model {model!r}: use one of {', '.join(MODELS)}, or give a function")


def checked_chances(chances: NDArray[Any], rows: int, classes: int) -> FloatArray:
    """Probabilities (m, k) as float64, none below 1e-6.

    Raises
    ------
    InputError : another shape, or values that are no probabilities.
    """
    found = np.asarray(chances, np.float64)
    if found.shape != (rows, classes):
        raise InputError(
            f"the model gave an array of shape {found.shape}; probabilities are ({rows}, {classes})"
        )
    if not ((found >= 0) & (found <= 1 + 1e-9)).all():
        raise InputError("the model gave values that are no probabilities; give numbers from 0 to 1")
    return np.asarray(np.clip(found, LEAST_CHANCE, 1.0))


def _logistic(rows: NDArray[Any], labels: IntArray, asked: NDArray[Any], classes: int) -> FloatArray:
    return class_chances(rows.astype(np.float64), labels, asked.astype(np.float64), classes, RIDGE)


def _boosting(seed: int) -> Trainer:
    try:
        ensemble = import_module("sklearn.ensemble")
    except ImportError as error:
        raise MissingExtraError(
            "boosted trees need scikit-learn, which is not installed: pip install 'credenza[ml]'"
        ) from error

    def train(rows: NDArray[Any], labels: IntArray, asked: NDArray[Any], classes: int) -> FloatArray:
        made = ensemble.HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            learning_rate=RATE,
            early_stopping=False,
            random_state=seed % (1 << 32),
        ).fit(rows, labels)
        return _wide(made.predict_proba(asked), made.classes_, classes)

    return train


def _network(seed: int) -> Trainer:
    from credenza.models.embedding.network import LabelNetwork

    def train(rows: NDArray[Any], labels: IntArray, asked: NDArray[Any], classes: int) -> FloatArray:
        known, codes = np.unique(labels, return_inverse=True)
        logits = LabelNetwork().fit(rows, codes.astype(np.int64), seed=seed).logits(asked).astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return _wide(odds / odds.sum(axis=1, keepdims=True), known, classes)

    return train


def _wide(chances: FloatArray, known: NDArray[Any], classes: int) -> FloatArray:
    """Columns of all classes; those that were not among the labels have probability 0."""
    out = np.zeros((len(chances), classes))
    out[:, known] = chances
    return out
