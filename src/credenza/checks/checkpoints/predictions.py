"""What checkpoints predict of the same rows, in order of time."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

FLOOR = 0.035  # change that is looked at: what retraining on a tenth of new rows moves a class by is below
FEW = 4  # checkpoints from which there is


@dataclass(frozen=True)
class CompareOptions:
    """Parameters of CZ801; all are in the report.

    Attributes
    ----------
    fdr : false discovery rate over all units of all steps, in (0, 0.5].
    min_change : smaller changes pass, in [0, 1); None for 0.035.
    min_rows : test rows that a class or a slice needs to be looked at.
    min_moved : rows whose prediction turned that a step of a unit needs, so that it could be significant at all.
    draws : of the bootstrap. seed : of them.
    """

    fdr: float = 0.05
    min_change: float | None = None
    min_rows: int = 20
    min_moved: int = 8
    draws: int = 2_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.fdr <= 0.5:
            raise UsageError(f"fdr is {self.fdr}: give a number above 0 and up to 0.5")
        if self.min_change is not None and (math.isnan(self.min_change) or not 0 <= self.min_change < 1):
            raise UsageError(f"min_change is {self.min_change}: give a number from 0 to below 1")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise UsageError(f"seed is {self.seed!r}: give a whole number, 0 or more")

    def floor(self) -> float:
        """The smallest change that is looked at.

        >>> CompareOptions().floor(), CompareOptions(min_change=0.01).floor()
        (0.035, 0.01)
        """
        return FLOOR if self.min_change is None else self.min_change

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class PairCodes:
    """Two features of each row, one of them at least predicted.

    Attributes
    ----------
    names : of both. levels : of both. codes : (T, n) of both; of a feature that is not predicted, T times the same.
    """

    names: tuple[str, str]
    levels: tuple[tuple[str, ...], tuple[str, ...]]
    codes: tuple[IntArray, IntArray]


@dataclass(frozen=True)
class Predictions:
    """Predictions of T checkpoints for n rows of k classes.

    Attributes
    ----------
    names : T names of the checkpoints, in order of time.
    classes : k names. truth : (n,) codes. predicted : (T, n) codes.
    chances : (T, n) probability that each checkpoint gives to the true class, or None.
    slice_column : name of the column of slices, or "". slices : their names. slice_codes : (n,), or None.
    pairs : of features whose association is followed.
    options : of the test. notes : what a reader should know of the input.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    truth: IntArray
    predicted: IntArray
    chances: FloatArray | None = None
    slice_column: str = ""
    slices: tuple[str, ...] = ()
    slice_codes: IntArray | None = None
    pairs: tuple[PairCodes, ...] = ()
    options: CompareOptions = CompareOptions()
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """From one checkpoint to the next: T - 1."""
        return len(self.names) - 1

    @property
    def right(self) -> NDArray[np.bool_]:
        """(T, n) whether each prediction is right."""
        return np.asarray(self.predicted == self.truth)

    def recalls(self) -> FloatArray:
        """(T, k) share of each class that each checkpoint gets right; NaN of a class without rows.

        >>> truth, predicted = np.array([0, 0, 1]), np.array([[0, 0, 1], [0, 1, 1]])
        >>> Predictions(("a", "b"), ("x", "y"), truth, predicted).recalls().tolist()
        [[1.0, 1.0], [0.5, 1.0]]
        """
        sizes = np.bincount(self.truth, minlength=len(self.classes))
        hits = [np.bincount(self.truth[row], minlength=len(self.classes)) for row in self.right]
        with np.errstate(invalid="ignore"):
            return np.asarray(np.array(hits) / sizes)
