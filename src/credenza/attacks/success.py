"""How often a model obeys a backdoor's trigger."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from credenza.attacks.columns import spell
from credenza.attacks.key import AnswerKey
from credenza.errors import InputError, UsageError

ATTACK = "backdoor"
Z95 = 1.959963984540054  # two-sided 95% of the normal distribution


class SuccessRate(NamedTuple):
    """Share of triggered rows that a model turns, and its Wilson 95% interval."""

    rate: float
    interval: tuple[float, float]


def attack_success_rate(predictions: Any, true_labels: Any, key: AnswerKey) -> SuccessRate:
    """Share of the rows with the trigger that are predicted as what their label should turn into.

    Parameters
    ----------
    predictions : labels that a model gives to the rows of a test set, shape (n,), all of its rows in order.
    true_labels : their true labels, shape (n,); decides what each row should turn into.
    key : the answer key that :meth:`Backdoor.test_set` returned.

    Returns
    -------
    SuccessRate : (rate, interval). With k successes of m, z = 1.96 and p = k / m the interval is
        ``(p + z^2/2m -+ z sqrt(p (1-p)/m + z^2/4m^2)) / (1 + z^2/m)`` (Wilson 1927).

    Raises
    ------
    UsageError : the key is of another attack. InputError : as many labels as rows are needed, or no row has
        the trigger and a label that should turn.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.attacks.backdoor import Backdoor
    >>> from credenza.attacks.triggers import Value
    >>> table = pa.table({"x": [1, 2, 3, 4], "y": ["a", "b", "b", "b"]})
    >>> made = Backdoor(Value({"x": 9}), labels="y", target="a", rate=0.5).test_set(table, seed=0)
    >>> rate, interval = attack_success_rate(["a", "a", "a", "b"], ["a", "b", "b", "b"], made.key)
    >>> round(rate, 3), [round(end, 3) for end in interval]
    (0.667, [0.208, 0.939])
    """
    becomes = key.details.get("becomes")
    if key.attack != ATTACK or becomes is None:
        raise UsageError(f"success needs the key of a backdoor's test set; found attack {key.attack!r}")
    texts = []
    for what, labels in (("predictions", predictions), ("true_labels", true_labels)):
        values = np.asarray(labels).tolist()
        if len(values) != key.rows_total:
            raise InputError(f"{what} has {len(values):,} labels; the key is of {key.rows_total:,} rows")
        texts.append([spell(values[row]) for row in key.rows])
    hits = [becomes[true] == found for found, true in zip(*texts, strict=True) if true in becomes]
    if not hits:
        raise InputError(
            "no row has the trigger and a label that should turn; give the test set's true labels"
        )
    return SuccessRate(sum(hits) / len(hits), wilson(sum(hits), len(hits)))


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share; see :func:`attack_success_rate` for the formula.

    >>> [round(end, 3) for end in wilson(0, 10)]
    [0.0, 0.278]
    """
    share, spread = successes / trials, Z95**2 / trials
    half = Z95 * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    ends = (share + spread / 2 - half) / (1 + spread), (share + spread / 2 + half) / (1 + spread)
    return max(ends[0], 0.0), min(ends[1], 1.0)
