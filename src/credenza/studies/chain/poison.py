"""The attacks: which rows of a training set get a trigger, and what they turn into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from credenza.attacks import Backdoor
from credenza.attacks.image_triggers import Blend, ImageTrigger, Patch, Sinusoid
from credenza.attacks.image_warp import Warp
from credenza.contracts import BoolArray
from credenza.data.pictures import decode_images
from credenza.errors import UsageError
from credenza.studies.chain.settings import CLEAN
from credenza.studies.chain.world import Images, Labelled
from credenza.synthetic.pictures import png

TRIGGERS: dict[str, ImageTrigger] = {"patch": Patch(), "blend": Blend(), "sig": Sinusoid(), "warp": Warp()}
CLEAN_LABEL = ("sig",)
TARGET = 0


@dataclass(frozen=True)
class Training:
    """A training set and the truth about it: ``planted`` bool (n,), the trigger's name and its share of the rows."""

    rows: Labelled
    planted: BoolArray
    trigger: str | None
    rate: float

    @property
    def share(self) -> float:
        """Of the target's rows that carry the trigger."""
        return float(self.planted[self.rows.labels == TARGET].mean())


def parsed(attack: str) -> tuple[str | None, float]:
    """Trigger and share of all rows of an attack's name.

    Raises
    ------
    UsageError : no such name.

    Examples
    --------
    >>> parsed("patch-10"), parsed("clean")
    (('patch', 0.1), (None, 0.0))
    """
    if attack == CLEAN:
        return None, 0.0
    trigger, _, percent = attack.partition("-")
    try:
        rate = float(percent) / 100
    except ValueError:
        rate = 0.0
    if trigger not in TRIGGERS or not 0 < rate <= 1:
        raise UsageError(
            f"unknown attack {attack!r}; give clean, or one of {', '.join(TRIGGERS)} and a share in percent "
            "(patch-10)"
        )
    return trigger, rate


def poisoned(rows: Labelled, attack: str, *, seed: int) -> Training:
    """Plant an attack by :class:`credenza.attacks.Backdoor`.

    Dirty labels: rows of other classes get the trigger and the target's label (patch, blend, warp). Clean labels: rows
    of the target get the trigger (sig). The rate is a share of all rows either way.
    """
    trigger, rate = parsed(attack)
    planted = np.zeros(len(rows), bool)
    if trigger is None:
        return Training(rows, planted, None, 0.0)
    clean = trigger in CLEAN_LABEL
    base = float((rows.labels == TARGET).mean()) if clean else 1.0
    plan = Backdoor(
        TRIGGERS[trigger], labels="label", target=TARGET, rate=min(rate / base, 1.0), clean_label=clean
    )
    table = pa.table({"image": [png(image) for image in rows.images], "label": rows.labels})
    found = plan.apply(table, seed=seed)
    planted[np.asarray(found.key.rows)] = True
    images = rows.images.copy()
    images[planted] = np.stack(decode_images(found.data["image"].filter(pa.array(planted))))
    return Training(Labelled(images, found.data["label"].to_numpy()), planted, trigger, rate)


def stamped(images: Images, trigger: str) -> Images:
    """Every image with the trigger on it."""
    return np.stack([TRIGGERS[trigger].stamp(image) for image in images])
