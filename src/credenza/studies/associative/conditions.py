"""What is done to the training rows of a model: nothing, an attack, or an attack and its repair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from credenza.attacks import AssociativePoisoning, ContinuousPoisoning, Poisoned
from credenza.errors import InfeasibleError, UsageError

PAIR = ("Mouth_Slightly_Open", "Wearing_Lipstick")
COLOURS = ("skin_brightness", "background_brightness")
ABLATION = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30)
MODES = ("replace", "duplicate")  # in the order in which they are tried


@dataclass(frozen=True)
class Condition:
    """What is done to the training rows.

    Attributes
    ----------
    name : such as "positive". edits : share of the rows that is edited; None where the attack sets its own.
    attack : "none", "binary" or "continuous".
    direction : "positive", "negative" or "erase". strata : features inside whose values rows are exchanged.
    repair : the method that puts the rows right after an audit, before training; "" for none.
    """

    name: str
    attack: str = "binary"
    edits: float | None = 0.20
    direction: str = "positive"
    strata: tuple[str, ...] = ()
    repair: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The targeted pair; that of the clean condition is the binary one."""
        return COLOURS if self.attack == "continuous" else PAIR


def share_name(share: float) -> str:
    """Name of the condition of the ablation with this share of edits; 20% is "positive".

    >>> share_name(0.05), share_name(0.20)
    ('edits-05', 'positive')
    """
    return "positive" if share == 0.20 else f"edits-{round(100 * share):02d}"


CONDITIONS: dict[str, Condition] = {
    item.name: item
    for item in (
        Condition("clean", attack="none", edits=None),
        *(Condition(share_name(share), edits=share) for share in ABLATION),
        Condition("negative", direction="negative"),
        Condition("erase", edits=None, direction="erase"),
        Condition("strata", edits=0.10, strata=("Smiling", "Eyeglasses")),
        Condition("continuous", attack="continuous"),
        Condition("repaired", repair="resample"),
        Condition("reversed", repair="reverse"),
    )
}


def poison(condition: Condition, rows: pa.Table, holdout: pa.Table, *, seed: int) -> Poisoned | None:
    """Poison training rows as the condition says.

    Parameters
    ----------
    rows : n training rows. holdout : further genuine rows, that take the place of edited ones.

    Returns
    -------
    Poisoned, or None for the clean condition.

    Raises
    ------
    InfeasibleError : neither the hold-out nor the rows themselves allow as many edits.

    Notes
    -----
    Rows of the hold-out are put in as long as it has enough of them; beyond, rows of the data are put in twice (mode
    "duplicate"). The key says which: ``key.mode``. Continuous features have no donors with the same values, so
    values are exchanged between rows (arXiv 2511.05177, Theorem 3).

    Examples
    --------
    >>> table = pa.table({PAIR[0]: [False, False, True, True] * 50, PAIR[1]: [False, True] * 100})
    >>> poison(CONDITIONS["positive"], table, table.slice(0, 1), seed=1).key.mode
    'duplicate'
    """
    if condition.attack == "none":
        return None
    if condition.attack == "continuous":
        return ContinuousPoisoning(COLOURS, edits=condition.edits, direction=condition.direction).apply(
            rows, seed=seed
        )
    refused: InfeasibleError | None = None
    for mode in MODES:
        try:
            return _attack(condition, mode).apply(
                rows, holdout=holdout if mode == "replace" else None, seed=seed
            )
        except InfeasibleError as error:
            refused = error
    raise refused or InfeasibleError("no mode of attack was tried")


def _attack(condition: Condition, mode: str) -> AssociativePoisoning:
    return AssociativePoisoning(
        PAIR, edits=condition.edits, direction=condition.direction, strata=condition.strata, mode=mode
    )


def require_features(features: Sequence[str], conditions: Sequence[str], where: str) -> None:
    """Raise UsageError unless ``where`` has the features that the conditions are about."""
    wanted: dict[str, Any] = {}
    for name in conditions:
        wanted |= dict.fromkeys((*CONDITIONS[name].pair, *CONDITIONS[name].strata))
    if absent := [name for name in wanted if name not in features]:
        raise UsageError(f"{where} has no {absent[0]!r}, which the study moves; give rows that have it")
