"""A model trained on all rows, without each contributor, and without random parts of as many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.checks.contributors.trainers import Trainer, checked_chances
from credenza.contracts import BoolArray, FloatArray, IntArray
from credenza.data.progress import watcher
from credenza.errors import InputError, UsageError

LEAST_ROWS = 20  # of a contributor, to be left out by himself
MOST = 200  # contributors
MOST_SHARE = 0.9  # of all rows that one may have


@dataclass(frozen=True)
class Trials:
    """What models without a part of the training rows say of the same test rows.

    Attributes
    ----------
    column : of the contributors. contributors : J names. sizes : (J,) their rows. classes : k names.
    truth : (m,) codes of the test rows. loss : (m,) of the model of all rows, nats. right : (m,).
    losses, rights : (J, m) of the models without each contributor.
    part_sizes : (R,) rows of the random parts. part_harms : (R, 1 + k) harm of each: of all test rows, and by class.
    skipped : (name, reason) of contributors that were not left out. model : its name. fdr : of the test.
    """

    column: str
    contributors: tuple[str, ...]
    sizes: IntArray
    classes: tuple[str, ...]
    truth: IntArray
    loss: FloatArray
    right: BoolArray
    losses: FloatArray
    rights: BoolArray
    part_sizes: IntArray
    part_harms: FloatArray
    skipped: tuple[tuple[str, str], ...] = ()
    model: str = "logistic"
    fdr: float = 0.05

    def harms(self) -> FloatArray:
        """(J, 1 + k) how much larger the mean loss is with a contributor than without: all test rows, then classes."""
        return np.stack([harm(self.loss - other, self.truth, len(self.classes)) for other in self.losses])


def harm(fall: FloatArray, truth: IntArray, classes: int) -> FloatArray:
    """Means of the fall of the loss (m,): of all rows, then by class; 0 of a class without rows.

    >>> harm(np.array([0.3, 0.1, -0.1]), np.array([0, 0, 1]), 2).round(3).tolist()
    [0.1, 0.2, -0.1]
    """
    counts = np.maximum(np.bincount(truth, minlength=classes), 1)
    return np.concatenate([[fall.mean()], np.bincount(truth, fall, minlength=classes) / counts])


@dataclass(frozen=True)
class Task:
    """Training rows (n, ...) with labels and contributors as codes, and test rows (m, ...) with theirs."""

    rows: NDArray[Any]
    labels: IntArray
    owners: IntArray
    test: NDArray[Any]
    truth: IntArray
    classes: tuple[str, ...]
    contributors: tuple[str, ...]
    column: str = "contributor"


def run_trials(task: Task, train: Trainer, *, parts: int, seed: int, fdr: float, model: str) -> Trials:
    """Train 1 + J + R models.

    Parameters
    ----------
    task : the data. train : trains a model. parts : R, random parts that are left out, as large as the contributors in
        turn. seed : of the parts. fdr, model : as they will be told.

    Raises
    ------
    UsageError : fewer than two contributors of 20 rows, more than 200, or one who has nearly all rows.
    InputError : a function that gives no probabilities.
    """
    n, k = len(task.rows), len(task.classes)
    sizes = np.bincount(task.owners, minlength=len(task.contributors))
    chosen, skipped = _chosen(task, sizes)
    losses, rights = [], []
    harms = np.empty((parts, 1 + k))
    drawn = np.array([sizes[chosen[r % len(chosen)]] for r in range(parts)], np.int64)
    rng = np.random.default_rng([seed, 802])
    with _Counting(1 + len(chosen) + parts) as tick:
        loss, right = _tried(task, train, np.ones(n, bool))
        tick()
        for j in chosen:
            one, other = _tried(task, train, task.owners != j)
            losses.append(one)
            rights.append(other)
            tick()
        for r in range(parts):
            kept = np.ones(n, bool)
            kept[rng.choice(n, int(drawn[r]), replace=False)] = False
            harms[r] = harm(loss - _tried(task, train, kept)[0], task.truth, k)
            tick()
    return Trials(
        task.column, tuple(task.contributors[j] for j in chosen), sizes[chosen], task.classes, task.truth, loss,
        right, np.array(losses), np.array(rights), drawn, harms, skipped, model, fdr,
    )  # fmt: skip


def _chosen(task: Task, sizes: IntArray) -> tuple[IntArray, tuple[tuple[str, str], ...]]:
    chosen = np.flatnonzero(sizes >= LEAST_ROWS)
    skipped = tuple(
        (task.contributors[j], f"{sizes[j]:,} rows; {LEAST_ROWS} or more are needed")
        for j in np.flatnonzero(sizes < LEAST_ROWS)
    )
    if not 2 <= len(chosen) <= MOST:
        raise UsageError(
            f"{task.column!r} names {len(chosen):,} contributors of {LEAST_ROWS} rows or more; "
            f"2 to {MOST} can be left out one by one"
        )
    top = int(sizes.argmax())
    if sizes[top] > MOST_SHARE * sizes.sum():
        raise UsageError(
            f"{task.contributors[top]!r} has {sizes[top]:,} of {sizes.sum():,} rows: without them nothing is left "
            "to learn from"
        )
    return chosen, skipped


def _tried(task: Task, train: Trainer, kept: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Loss of each test row, and whether it is predicted right, by a model of the kept rows."""
    labels = task.labels[kept]
    if len(np.unique(labels)) < 2:
        raise InputError(
            "without some contributor a single class is left to learn; give more rows of each class"
        )
    chances = checked_chances(
        train(task.rows[kept], labels, task.test, len(task.classes)), len(task.test), len(task.classes)
    )
    own = chances[np.arange(len(task.truth)), task.truth]
    return -np.log(own), chances.argmax(axis=1) == task.truth


class _Counting:
    """Reports trainings to whoever watches."""

    def __init__(self, total: int) -> None:
        self._total, self._sink = total, watcher()

    def __enter__(self) -> _Counting:
        if self._sink is not None:
            self._sink.start("models", self._total)
        return self

    def __call__(self) -> None:
        if self._sink is not None:
            self._sink.advance(1)

    def __exit__(self, *_: object) -> None:
        if self._sink is not None:
            self._sink.done()
