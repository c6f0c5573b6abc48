"""What is asked of a synthetic batch, checked once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from credenza.errors import UsageError

TESTS = 5  # CZ201 and CZ601 to CZ604 share the error
LEAST_REFERENCE = 50  # rows


@dataclass(frozen=True)
class BatchOptions:
    """Thresholds of a validation; each is a share of rows or of probability, and none counts what noise explains.

    Attributes
    ----------
    tolerance : change of a label's or a feature's share that passes, in (0, 1).
    duplicates : rows that repeat an earlier one, beyond the reference's own rate, in [0, 1).
    copies : rows that copy a row of the reference, exactly or nearly, beyond chance, in [0, 1).
    implausible : rows that the reference makes implausible, beyond those of its own rows, in [0, 1).
    wrong_labels : labels that content contradicts, beyond the classifier's own errors, in [0, 0.5).
    error : chance of any false alarm over all checks together, in (0, 0.5].
    lossy : associations that are only weaker than in the reference are notices.

    Examples
    --------
    >>> BatchOptions().level
    0.01
    >>> BatchOptions(tolerance=2)
    Traceback (most recent call last):
    credenza.errors.UsageError: tolerance is 2: give a share above 0 and below 1
    """

    tolerance: float = 0.10
    duplicates: float = 0.05
    copies: float = 0.02
    implausible: float = 0.02
    wrong_labels: float = 0.02
    error: float = 0.05
    lossy: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise UsageError(f"tolerance is {self.tolerance}: give a share above 0 and below 1")
        if not 0 < self.error <= 0.5:
            raise UsageError(f"error is {self.error}: give a share above 0 and up to 0.5")
        for name, most in (("duplicates", 1.0), ("copies", 1.0), ("implausible", 1.0), ("wrong_labels", 0.5)):
            if not 0 <= getattr(self, name) < most:
                raise UsageError(f"{name} is {getattr(self, name)}: give a share from 0 to below {most:g}")

    @property
    def level(self) -> float:
        """Chance of a false alarm of one check."""
        return self.error / TESTS

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
