"""What a user can do with the images of a model that may be poisoned: look at them, drop, weigh, dilute, retrain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.checks.triggers.carriers import suspicion
from credenza.contracts import FloatArray
from credenza.studies.chain.downstream import Detector
from credenza.studies.chain.poison import TARGET
from credenza.studies.chain.world import Labelled

METHODS = ("drop", "weigh", "dilute", "drop and dilute")


def mitigated(method: str, generated: Labelled, own: Labelled, scores: FloatArray, *, seed: int) -> Labelled:
    """The rows that a classifier is trained on after a mitigation.

    Parameters
    ----------
    method : "drop" leaves out what is likelier than not to carry a trigger; "weigh" keeps each row with the
        probability that it does not; "dilute" adds the user's own rows; "drop and dilute" does both.
    scores : probability that a row carries a trigger, (n,), see :func:`credenza.checks.triggers.suspicion`.
    """
    kept = np.ones(len(generated), bool)
    if method.startswith("drop"):
        kept = scores < 0.5
    elif method == "weigh":
        kept = np.random.default_rng(seed).random(len(generated)) >= scores
    rows = generated.part(np.flatnonzero(kept))
    return rows.beside(own) if method.endswith("dilute") else rows


def suspected(found: Any, generated: Labelled, own: Labelled) -> FloatArray:
    """Probability of each generated row to carry what CZ503 found; 0 where it found nothing."""
    if not found.flagged:
        return np.zeros(len(generated))
    return suspicion(found, generated.images, generated.labels, own.images, own.labels)


def hit(scores: FloatArray, generated: Labelled, detector: Detector | None) -> dict[str, Any]:
    """How many rows are dropped, and how well: by the oracle, which knows the trigger."""
    dropped: NDArray[np.bool_] = scores >= 0.5
    counts: dict[str, Any] = {"dropped": int(dropped.sum()), "recall": None, "precision": None}
    if detector is None:
        return counts
    true = (detector.score(generated.images) > 0) & (generated.labels == TARGET)
    both = int((true & dropped).sum())
    counts["recall"] = both / int(true.sum()) if true.any() else None
    counts["precision"] = both / int(dropped.sum()) if dropped.any() else None
    return counts
