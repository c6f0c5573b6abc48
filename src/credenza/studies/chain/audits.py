"""What the checks of triggers say of a model, of its images and of training rows, as plain data beside the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.attacks.image_triggers import Patch
from credenza.checks.triggers import trigger_amplification, trigger_in_data, trigger_in_model
from credenza.checks.triggers.model import TIMES
from credenza.studies.chain.poison import TARGET
from credenza.studies.chain.world import Labelled

LEVEL = 0.05


def audited(
    model: Any,
    training: Labelled,
    generated: Labelled,
    own: Labelled,
    *,
    each: int,
    seed: int,
    level: float = LEVEL,
) -> dict[str, Any]:
    """CZ501 of the model, CZ502 of its images against its training rows, CZ503 of both against the user's own rows."""
    reference = (own.images, own.labels)
    early = trigger_in_model(model, reference=reference, times=TIMES, per_class=each, seed=seed, level=level)
    more = trigger_amplification(
        training.images,
        training.labels,
        generated.images,
        generated.labels,
        reference=reference,
        seed=seed,
        level=level,
    )
    found = {
        name: trigger_in_data(rows.images, rows.labels, *reference, seed=seed, level=level)
        for name, rows in (("training", training), ("generated", generated))
    }
    return {
        "model": told(early)
        | {"times": list(TIMES), "curve": np.asarray(early.curve, float).round(3).tolist()},
        **{name: told(result) for name, result in found.items()},
        "amplification": {
            "p": float(more.p),
            "flagged": bool(more.flagged),
            "target": None if more.target is None else int(more.target),
            "ratio": _number(more.ratio),
            "interval": [_number(end) for end in more.interval],
            "shares": [_number(share) for share in more.shares],
        },
    }


def told(result: Any) -> dict[str, Any]:
    """A result as plain data, and whether it names the target."""
    return {
        "p": float(result.p),
        "flagged": bool(result.flagged),
        "target": None if result.target is None else int(result.target),
        "right": bool(result.flagged and result.target == TARGET),
        "kind": result.kind,
        "box": None if result.box is None else [int(side) for side in result.box],
        "statistic": float(result.statistic),
    }


def overlap(box: Any, size: int) -> float | None:
    """Intersection over union of a box (top, left, height, width) and the patch; None without a box."""
    if box is None:
        return None
    found, true = np.zeros((2, size, size), bool)
    top, left, height, width = box
    found[top : top + height, left : left + width] = True
    true[_patched(size)] = True
    return float((found & true).sum() / (found | true).sum())


def _patched(size: int) -> NDArray[np.bool_]:
    """Pixels that the patch of the study covers."""
    blank = np.full((size, size, 3), 127, np.uint8)
    return np.asarray((Patch().stamp(blank) != blank).any(axis=2))


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if value is not None and np.isfinite(value) else None
