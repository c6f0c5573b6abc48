"""Classifiers: what the user trains in the end, and what the study measures by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from credenza.attacks.success import wilson
from credenza.contracts import FloatArray
from credenza.studies.chain.poison import TARGET, stamped
from credenza.studies.chain.settings import Scale
from credenza.studies.chain.world import Images, Labelled
from credenza.studies.common.optional import imported


def classifier(rows: Labelled, scale: Scale, *, seed: int, device: str) -> Any:
    """A network that has learnt the classes of rows; see :class:`credenza.models.embedding.network.LabelNetwork`."""
    kind = imported("credenza.models.embedding.network", "LabelNetwork")
    made = kind(
        width=scale.width, epochs=scale.epochs, batch=min(128, max(16, len(rows) // 16)), device=device
    )
    return made.fit(rows.images, rows.labels, seed=seed)


def judged(network: Any, test: Labelled, triggers: Sequence[str]) -> dict[str, Any]:
    """Accuracy, and for each trigger the share of rows of other classes that it turns into the target.

    Returns
    -------
    dict
        ``accuracy`` on rows as they are; ``success``, by trigger its attack success rate, of rows whose class is not
        the target (n, of which the network may call some the target without any trigger: ``without``); ``interval``,
        Wilson's 95% of each.
    """
    predicted = called(network, test.images)
    others = test.labels != TARGET
    success, interval = {}, {}
    for trigger in triggers:
        hits = int((called(network, stamped(test.images[others], trigger)) == TARGET).sum())
        success[trigger] = hits / int(others.sum())
        interval[trigger] = list(wilson(hits, int(others.sum())))
    return {
        "accuracy": float((predicted == test.labels).mean()),
        "without": float((predicted[others] == TARGET).mean()),
        "success": success,
        "interval": interval,
        "rows": int(others.sum()),
    }


def called(network: Any, images: Images) -> NDArray[np.int64]:
    """The class that a network gives to each image."""
    return np.asarray(network.logits(images).argmax(axis=1), np.int64)


class Detector:
    """Tells images with one trigger from images without: the oracle, which knows the trigger.

    Parameters
    ----------
    network : of two classes, bare and stamped; see :meth:`learnt`. trigger : its name.
    """

    def __init__(self, network: Any, trigger: str) -> None:
        self.network, self._trigger = network, trigger

    @classmethod
    def learnt(cls, rows: Labelled, trigger: str, scale: Scale, *, seed: int, device: str) -> Self:
        """A detector that has learnt from clean rows, every other one of them stamped."""
        marked = np.arange(len(rows)) % 2 == 1
        images = rows.images.copy()
        images[marked] = stamped(images[marked], trigger)
        return cls(
            classifier(Labelled(images, marked.astype(np.int64)), scale, seed=seed, device=device), trigger
        )

    def score(self, images: Images) -> FloatArray:
        """Log odds that an image has the trigger, (n,)."""
        logits = np.asarray(self.network.logits(images), float)
        return np.asarray(logits[:, 1] - logits[:, 0])

    def share(self, inside: Images, without: Images) -> dict[str, float]:
        """Share of ``inside`` that has the trigger, by counts corrected for errors (Rogan and Gladen 1978).

        ``without`` are images of the same origin that have none: false positives are counted on them, and hits on
        them once they are stamped. ``error`` is the standard error of the share.
        """
        rates = [float((self.score(part) > 0).mean()) for part in (inside, without)]
        hits = float((self.score(stamped(without, self._trigger)) > 0).mean())
        gain = max(hits - rates[1], 1e-9)
        variance = (
            rates[0] * (1 - rates[0]) / len(inside) + rates[1] * (1 - rates[1]) / len(without)
        ) / gain**2
        return {
            "share": float(np.clip((rates[0] - rates[1]) / gain, 0, 1)),
            "error": float(np.sqrt(variance)),
            "sensitivity": hits,
            "false": rates[1],
        }


def auc(high: FloatArray, low: FloatArray) -> float:
    """Probability that a value of the first sample is larger than one of the second; ties count half.

    >>> auc(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    0.875
    """
    ranks = rankdata(np.concatenate([high, low]))
    return float((ranks[: len(high)].sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))
