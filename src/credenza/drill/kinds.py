"""The kinds of attack that a drill plants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from credenza.attacks import AssociativePoisoning, Attack, ContinuousPoisoning
from credenza.data import Feature
from credenza.data.columns import Family
from credenza.errors import UsageError

KINDS = (
    "positive",
    "negative",
    "erase",
    "relabel-positive",
    "relabel-negative",
    "duplicate-positive",
    "duplicate-negative",
    "continuous-positive",
    "continuous-negative",
)
Levels = tuple[Any, Any]


@dataclass(frozen=True)
class Kind:
    """A way of editing rows, and a direction.

    Attributes
    ----------
    name : one of ``KINDS``.
    mode : "replace" (whole genuine rows are put in), "relabel" (values of the second feature are exchanged),
        "duplicate" (copies of the suspect's own rows) or "continuous" (values are re-paired by rank).
    direction : "positive", "negative" or "erase".
    """

    name: str
    mode: str
    direction: str

    @classmethod
    def of(cls, name: str) -> Kind:
        """Read a name.

        Raises
        ------
        UsageError : there is no such kind.

        Examples
        --------
        >>> Kind.of("relabel-negative").mode, Kind.of("erase").mode
        ('relabel', 'replace')
        """
        if name not in KINDS:
            raise UsageError(f"unknown kind of attack {name!r}; choose from {', '.join(KINDS)}")
        mode, _, direction = name.rpartition("-")
        return cls(name, mode or "replace", direction)

    def fits(self, first: Feature, second: Feature) -> bool:
        """Whether the two features are of what this kind moves: numbers or dates, or levels of a value each."""
        if self.mode == "continuous":
            return is_ordered(first) and is_ordered(second)
        return has_levels(first) and has_levels(second)

    def attack(self, pair: tuple[str, str], levels: Levels | None, strength: float) -> Attack:
        """The attack of this strength, half the share of the rows that are edited; erasing sets its own."""
        if self.mode == "continuous":
            return ContinuousPoisoning(pair, edits=2 * strength, direction=self.direction)
        if self.direction == "erase":
            return AssociativePoisoning(pair, levels=levels, direction="erase", mode=self.mode)
        return AssociativePoisoning(
            pair, levels=levels, strength=strength, direction=self.direction, mode=self.mode
        )


def is_ordered(feature: Feature) -> bool:
    """Whether its values can be re-paired by rank: numbers or dates in bins."""
    return feature.ordered > 1 and feature.family in (Family.NUMBER, Family.TEMPORAL)


def has_levels(feature: Feature) -> bool:
    """Whether its levels are values, which an attack can name."""
    return len(feature.values) > 1
