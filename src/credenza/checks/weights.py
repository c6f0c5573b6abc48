"""The final weights of the suspect's rows, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from credenza.association.calibrate import Calibration
from credenza.association.cells import Cells
from credenza.association.climb import final_weights
from credenza.checks.inquiry import Inquiry
from credenza.checks.passes import Passes
from credenza.contracts import FloatArray
from credenza.data import Schema, encode


@dataclass
class CellCount:
    """How many rows take each combination of levels of some features: the state behind the final weights."""

    schema: Schema
    cells: Cells

    def update(self, batch: pa.RecordBatch) -> CellCount:
        """Add rows, in place."""
        self.cells = self.cells.update(encode(batch, self.schema))
        return self

    def merge(self, other: CellCount) -> CellCount:
        """Of both parts."""
        return CellCount(self.schema, self.cells.merge(other.cells))


class RowWeights:
    """Weights of mean 1 that make the suspect match the reference on all that was explained.

    Parameters
    ----------
    passes : makes the passes over the suspect.
    inquiry : what was explained.

    Notes
    -----
    The ladder works on a sample of the rows where there are many; these weights are solved on all of them, from the
    combinations of levels that occur on the columns that explain: one pass over those columns, and one more each time
    the weights are read. Nothing is read before they are asked for.
    """

    def __init__(self, passes: Passes, inquiry: Inquiry) -> None:
        self._passes, self._inquiry = passes, inquiry

    @property
    def rows(self) -> int:
        """n."""
        return self._passes.suspect.rows

    @cached_property
    def schema(self) -> Schema:
        """The features that the weights depend on; none where every weight is 1."""
        features = self._inquiry.part.features
        return Schema(tuple(features[f] for f in self._inquiry.climb.explaining))

    @cached_property
    def calibration(self) -> Calibration:
        """The weights' rule, and how well they do."""
        climb = self._inquiry.climb
        if not climb.explaining:
            return climb.calibration
        sizes = [f.size for f in self.schema.features]
        state = CellCount(self.schema, Cells.empty(climb.explaining, sizes))
        found = self._passes.fold(self._passes.suspect, self.schema.names, state, "weighing rows")
        return final_weights(climb, found.cells)

    def batches(self) -> Iterator[FloatArray]:
        """The weights in row order, a batch at a time."""
        source, rule = self._passes.suspect, self.calibration.rule
        for batch in source.batches(self.schema.names or source.columns[:1]):
            yield rule.of(encode(batch, self.schema))
