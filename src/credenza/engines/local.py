"""The engine of one process: a loop over the batches of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from credenza.association.counts import PairKernel
from credenza.data import Source, open_source
from credenza.data.progress import tracked
from credenza.engines.base import S
from credenza.engines.spark_session import is_spark_frame
from credenza.engines.spark_source import open_spark


class LocalEngine:
    """Read the rows here, one batch after another; memory holds one batch and the state.

    A Spark frame can be read, too: its partitions are sent here one at a time.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import TableSketch
    >>> engine = LocalEngine()
    >>> source = engine.open(pa.table({"a": [1, 2, 2]}))
    >>> engine.fold(source, ("a",), TableSketch.empty(source.schema))["a"].distinct
    2
    """

    name = "local"

    @property
    def kernel(self) -> PairKernel | None:
        """None: pairs are counted by the compiled loops."""
        return None

    def open(self, data: Any, *, role: str = "data") -> Source:
        """See :func:`credenza.data.open_source`."""
        return open_spark(data, role=role) if is_spark_frame(data) else open_source(data, role=role)

    def fold(self, source: Source, columns: Sequence[str] | None, state: S, *, label: str = "") -> S:
        """See :meth:`credenza.engines.Engine.fold`."""
        for batch in tracked(source.batches(columns), source.rows, label):
            state = state.update(batch)
        return state
