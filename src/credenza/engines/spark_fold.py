"""The fold itself: every part of a table gives a state, and states are merged in a tree."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pyarrow as pa

from credenza.engines.base import S, State, placed
from credenza.engines.spark_parts import Batches, Part, Plan
from credenza.engines.spark_session import one_line_errors, parallelism
from credenza.errors import CredenzaError, InputError

FAN_IN = 8  # states that one task merges
AT_DRIVER = 4  # states that the driver merges
TASKS_EACH = 4  # parts for each task that can run at once
_SCHEMA = "part long, state binary, error string"


def fold_parts(session: Any, name: str, plan: Callable[[int], Plan], state: S) -> S:
    """Return the state after all rows of a table, read by Spark's workers.

    Parameters
    ----------
    session : running Spark session. name : of the table, for messages. plan : makes the pass for at most so many
        parts. state : the empty state.

    Raises
    ------
    InputError : a part cannot be read; the innermost cause, in one line.

    Notes
    -----
    One Spark job. A task sends one pickled state for each of its parts, never rows. ``FAN_IN`` states of consecutive
    parts are merged by one task until no more than ``AT_DRIVER`` are left; so the driver holds that many states, and a
    worker ``FAN_IN``. Parts are merged in their order.
    """
    from pyspark import cloudpickle
    from pyspark.sql import functions

    empty = cloudpickle.dumps(state)
    with one_line_errors(name):
        chosen = plan(TASKS_EACH * parallelism(session))
        frame = chosen.frame.mapInArrow(_Fold(chosen.parts, zlib.compress(empty, 1)), _SCHEMA)
        parts = chosen.most
        while parts > AT_DRIVER:
            parts = -(-parts // FAN_IN)
            grouped = frame.repartition(parts, functions.expr(f"part div {FAN_IN}"))
            frame = grouped.mapInArrow(_Merge(FAN_IN), _SCHEMA)
        rows = sorted(frame.collect(), key=lambda row: int(row["part"]))
    for row in rows:
        if row["error"] is not None:
            raise InputError(row["error"])
    merged = _merged([bytes(row["state"]) for row in rows])
    return state if merged is None else cast(S, merged)


class _Fold:
    """Runs on a worker: the batches of a task in, one row with a state out for each part that had rows."""

    def __init__(self, parts: Callable[[Batches], Iterator[Part]], empty: bytes) -> None:
        self._parts, self._empty = parts, empty

    def __call__(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        from pyspark import cloudpickle

        for number, first, part in self._parts(batches):
            state: State = placed(cloudpickle.loads(zlib.decompress(self._empty)), first)
            seen = False
            try:
                for batch in part:
                    state, seen = state.update(batch), True
            except CredenzaError as error:
                yield _row(number, None, str(error))
                return
            if seen:
                yield _row(number, cloudpickle.dumps(state), None)


class _Merge:
    """Runs on a worker: merges the states of consecutive parts, so many at a time; an error goes before all states."""

    def __init__(self, fan_in: int) -> None:
        self._fan_in = fan_in

    def __call__(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        from pyspark import cloudpickle

        groups: dict[int, list[tuple[int, bytes]]] = {}
        for batch in batches:
            for row in batch.to_pylist():
                group = row["part"] // self._fan_in
                if row["error"] is not None:
                    yield _row(group, None, row["error"])
                    return
                groups.setdefault(group, []).append((row["part"], row["state"]))
        while groups:
            group, states = groups.popitem()
            yield _row(group, cloudpickle.dumps(_merged([state for _, state in sorted(states)])), None)


def _merged(states: Sequence[bytes]) -> Any:
    """Merge pickled states in their order; None for none."""
    from pyspark import cloudpickle

    merged: Any = None
    for state in states:
        part = cloudpickle.loads(state)
        merged = part if merged is None else merged.merge(part)
    return merged


def _row(part: int, state: bytes | None, error: str | None) -> pa.RecordBatch:
    columns = {"part": pa.array([part], pa.int64()), "state": pa.array([state], pa.binary())}
    return pa.record_batch({**columns, "error": pa.array([error], pa.string())})
