"""The tabular modality: a generator is fitted to the rows themselves, and features are the columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from credenza.data.write import write_table
from credenza.studies.associative.measure import marginal_gap
from credenza.studies.associative.population import Population

SHOWN = 20


class Tabular:
    """Rows with all attributes of the population and the colours."""

    name = "tabular"
    quality_name = "mean gap of marginals"

    def __init__(self, whole: Population) -> None:
        self.features = (*whole.attributes, *whole.colours)

    def data(self, rows: pa.Table) -> pa.Table:
        """The features of the rows."""
        return rows.select(list(self.features))

    def read(self, samples: pa.Table) -> pa.Table:
        """The columns."""
        return samples.select(list(self.features))

    def reference(self, rows: pa.Table) -> pa.Table:
        """The columns."""
        return rows.select(list(self.features))

    def quality(self, samples: Any, read: pa.Table, rows: pa.Table, reference: pa.Table) -> float:
        """Mean absolute difference of all marginals; there is no Fréchet distance of rows."""
        return marginal_gap(read, reference)

    def prepare(self) -> None:
        """Columns need no reader."""

    def corrected(self, read: pa.Table) -> dict[str, Any]:
        """Columns are read without errors."""
        return {}

    def keep(self, samples: pa.Table, folder: Path, name: str) -> None:
        """The first rows as CSV."""
        write_table(samples.slice(0, SHOWN), folder / f"{name}.csv")
