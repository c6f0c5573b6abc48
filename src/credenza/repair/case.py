"""What is to be repaired, and what a method makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.association.calibrate import raked
from credenza.contracts import FloatArray, IntArray
from credenza.data.schema import Feature, Schema
from credenza.data.sources import Source

TARGETS = ("reference", "independence", "policy")


@dataclass(frozen=True)
class Cure:
    """One pair that is to be put right.

    Attributes
    ----------
    features : positions of the two features in the schema of the case.
    found : rows of the suspect (of the slice) by the levels of both, shape (L_a, L_b).
    wanted : how many there should be: the association that is aimed at, in the suspect's own marginals; same shape
        and total, not whole.
    edited : position of the feature whose values were edited in place, when the audit says so; else None.
    where : (column, value) of the slice that was moved; None for all rows.
    exact : all that differs is meant, so that no cell is left alone for being off by chance; of a declared aim, which
        unlike a reference carries no noise.
    """

    features: tuple[int, int]
    found: IntArray
    wanted: FloatArray
    edited: int | None = None
    where: tuple[str, str] | None = None
    exact: bool = False

    @property
    def empty(self) -> tuple[tuple[int, int], ...]:
        """Cells (a, b) that should hold at least half a row and hold none: no weight can restore them."""
        cells = np.argwhere((self.found == 0) & (self.wanted >= 0.5))
        return tuple((int(a), int(b)) for a, b in cells)

    @property
    def misplaced(self) -> float:
        """Rows that are in a wrong cell: half the sum of all differences; 2 n |epsilon| for two binary features."""
        return float(np.abs(self.found - self.wanted).sum() / 2)


@dataclass(frozen=True)
class Case:
    """A suspect, the vocabulary it is encoded in, and its cures, strongest first.

    ``left`` says in words what is left alone and why; ``told`` is what else belongs into the summary of a repair.
    ``reference``: trusted rows, where there are any.
    """

    source: Source
    schema: Schema
    cures: tuple[Cure, ...]
    left: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    reference: Source | None = None

    def feature(self, position: int) -> Feature:
        """The feature at a position."""
        return self.schema.features[position]

    def names(self, cure: Cure) -> tuple[str, str]:
        """Column names of a cure."""
        a, b = (self.feature(position).name for position in cure.features)
        return a, b

    def cell(self, cure: Cure, cell: tuple[int, int]) -> str:
        """A cell in words: ``smoker = yes and plan = free``."""
        levels = zip(cure.features, cell, strict=True)
        parts = [f"{self.feature(f).name} = {self.feature(f).levels[level]}" for f, level in levels]
        return " and ".join(parts)


@dataclass(frozen=True)
class Treatment:
    """What a method makes of a case; nothing is written yet.

    Attributes
    ----------
    output : the repaired data, rewritten as it is read.
    ledger : gives the ledger's record batches (see :mod:`credenza.repair.ledger`), in row order; may be called again.
    weights : gives the weights of the output's rows a batch at a time, mean 1; None where there are none.
    summary : what was done, in numbers: ``edits``, ``effective_rows``, ``minimum`` and whatever the method tells.
    skipped : cells that could not be restored, in words.
    """

    output: Source
    ledger: Callable[[], Iterator[pa.RecordBatch]]
    weights: Callable[[], Iterator[FloatArray]] | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    def with_notes(self, case: Case) -> Treatment:
        """The same treatment, which also tells what its case leaves alone, and what else the case has to tell."""
        return replace(self, summary={**self.summary, **case.told}, skipped=(*case.left, *self.skipped))


def aim(found: IntArray, reference: FloatArray | None) -> FloatArray:
    """Counts with the margins of ``found`` and the association of ``reference``; None: no association.

    Formula: iterative proportional fitting of the reference's joint to the suspect's margins, which keeps its odds
    ratios (Deming and Stephan 1940); without a reference r_i c_j / n.

    Examples
    --------
    >>> aim(np.array([[30, 20], [20, 30]]), None).tolist()
    [[25.0, 25.0], [25.0, 25.0]]
    """
    rows, columns = found.sum(axis=1).astype(float), found.sum(axis=0).astype(float)
    total = float(found.sum())
    if reference is None:
        return np.asarray(np.outer(rows, columns) / total)
    return np.asarray(raked(reference / reference.sum(), rows / total, columns / total) * total)
