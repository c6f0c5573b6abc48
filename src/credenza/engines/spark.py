"""The engine of a Spark cluster: every partition folds its own state, and states are merged in a tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from credenza.association.counts import PairKernel
from credenza.data import Source, open_source
from credenza.engines.base import S
from credenza.engines.local import LocalEngine
from credenza.engines.spark_session import find_session, is_running, is_spark_frame, start_local
from credenza.engines.spark_source import SparkSource, open_spark
from credenza.errors import UsageError


class SparkEngine:
    """Fold over the partitions of a Spark frame, or over files that every worker reaches.

    Parameters
    ----------
    session : the Spark session to work in; by default that of the frame, else the active one, and for a path also one
        that is started on this machine when there is none.

    Notes
    -----
    Integers are those of the local engine, to the last bit. Each task folds its rows into one state and sends
    that; what travels is states, never rows. States are merged in the order of the parts, a few at a time on the
    workers, and the last few by the driver. Memory of a worker: a batch and eight states. What is in the memory of
    this process (a pandas frame as a reference, say) is folded here.

    Examples
    --------
    >>> SparkEngine().name
    'spark'
    """

    name = "spark"

    def __init__(self, session: Any = None) -> None:
        self._session = session

    @property
    def kernel(self) -> PairKernel | None:
        """None: pairs are counted by the compiled loops, on the workers."""
        return None

    def open(self, data: Any, *, role: str = "data") -> Source:
        """Return a source that workers read; of data in this process's memory, one that is read here.

        Raises
        ------
        InputError : see :func:`credenza.engines.open_spark`. MissingExtraError : pyspark or Java is not there.
        """
        if isinstance(data, str | os.PathLike):
            return open_spark(data, session=self._running(), role=role)
        return open_spark(data, role=role) if is_spark_frame(data) else open_source(data, role=role)

    def fold(self, source: Source, columns: Sequence[str] | None, state: S, *, label: str = "") -> S:
        """See :meth:`credenza.engines.Engine.fold`."""
        if not isinstance(source, SparkSource):
            return LocalEngine().fold(source, columns, state, label=label)
        return source.fold(columns, state)

    def _running(self) -> Any:
        """Return the session for a path: the given one, the active one, or a new one."""
        if self._session is not None and not is_running(self._session):
            raise UsageError("the Spark session that was given was stopped; start another")
        if self._session is None:
            self._session = find_session() or start_local()
        return self._session
