"""A stretch of rows and the ledger's entries for them, put together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import IntArray
from credenza.data.binary_files import resized
from credenza.data.edits import cast_values, flat, spliced, take_values
from credenza.repair.ledger import ACTIONS, DROP, EDIT, REPEAT, REPLACE, WEIGHT

_CODES = {action: code for code, action in enumerate(ACTIONS)}


class Block:
    """Entries of a ledger for a stretch of rows."""

    def __init__(self, batch: pa.RecordBatch | None) -> None:
        self._batch = batch
        self._rows = np.zeros(0, np.int64) if batch is None else batch["row"].to_numpy()
        codes = None if batch is None else pc.index_in(batch["action"], value_set=pa.array(ACTIONS))
        self._codes = np.zeros(0, np.int32) if codes is None else codes.to_numpy()

    def _are(self, action: str) -> np.ndarray:
        found: np.ndarray = self._codes == _CODES[action]
        return found

    def lengths(self, start: int, stop: int) -> IntArray:
        """How often each row from ``start`` to ``stop`` stands in the repaired data."""
        lengths = np.ones(stop - start, np.int64)
        dropped, repeated = self._are(DROP), self._are(REPEAT)
        lengths[self._rows[dropped] - start] = 0
        if repeated.any():
            assert self._batch is not None
            lengths[self._rows[repeated] - start] = self._batch["count"].filter(pa.array(repeated)).to_numpy()
        return lengths

    def values(self, name: str, *, undo: bool) -> tuple[IntArray, pa.Array | None]:
        """The rows whose value of a column changes, each once, and the values; none is None.

        Of several entries of a row the last one counts, and the first one when they are undone.
        """
        side = "before" if undo else "after"
        held = -1
        if self._batch is not None and side in self._batch.schema.names:
            held = self._batch.schema.field(side).type.get_field_index(name)
        if held < 0:
            return np.zeros(0, np.int64), None
        wanted = self._are(REPLACE) | (self._are(EDIT) & self._named(name))
        if undo:
            wanted |= self._are(DROP)
        assert self._batch is not None
        return self._chosen(wanted, pc.struct_field(self._batch[side], [held]), first=undo)

    def weights(self, name: str) -> tuple[IntArray, pa.Array | None]:
        """The rows that have a weight in a column, each once, and the weights."""
        if self._batch is None:
            return np.zeros(0, np.int64), None
        return self._chosen(self._are(WEIGHT) & self._named(name), self._batch["weight"], first=False)

    def _named(self, name: str) -> np.ndarray:
        assert self._batch is not None
        named = pc.fill_null(pc.equal(self._batch["column"], name), False)
        found: np.ndarray = named.to_numpy(zero_copy_only=False)
        return found

    def _chosen(
        self, wanted: np.ndarray, values: pa.Array, *, first: bool
    ) -> tuple[IntArray, pa.Array | None]:
        at = np.flatnonzero(wanted)
        if not len(at):
            return at, None
        rows = self._rows[at]
        change = rows[1:] != rows[:-1]
        kept = np.concatenate([[True], change] if first else [change, [True]])
        return rows[kept], values.take(pa.array(at[kept]))


class Entries:
    """The entries of a ledger in row order, held as far as they are needed."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._held: pa.RecordBatch | None = None
        self._more = True

    def until(self, row: int) -> Block:
        """Entries of the rows before ``row``, but for those that were forgotten."""
        parts = [] if self._held is None else [self._held]
        while self._more and (not parts or parts[-1]["row"][-1].as_py() < row):
            batch = next(self._batches, None)
            self._more = batch is not None
            if batch is not None:
                parts.append(batch)
        if not parts:
            return Block(None)
        self._held = parts[0] if len(parts) == 1 else pa.concat_batches(parts)
        return Block(self._held.slice(0, int(np.searchsorted(self._held["row"].to_numpy(), row))))

    def forget(self, row: int) -> None:
        """The entries of the rows before ``row`` are dealt with."""
        if self._held is not None:
            held = self._held.slice(int(np.searchsorted(self._held["row"].to_numpy(), row)))
            self._held = held if held.num_rows else None

    def finish(self) -> None:
        """Read what is left, so that all of the ledger is checked."""
        for _ in self._batches:
            pass


class Window:
    """Rows of the suspect from ``start``, made from rows of a batch and from entries.

    Parameters
    ----------
    base : a batch of the suspect, or of the repaired data for ``undo``.
    place : for each row of the window the row of ``base`` that it is made from, -1 where it was dropped.
    block : the entries of these rows. start : the first of them.
    """

    def __init__(
        self, base: pa.RecordBatch, place: IntArray, block: Block, start: int, *, undo: bool
    ) -> None:
        self._base, self._place, self._block, self._start, self._undo = base, place, block, start, undo

    def column(self, field: pa.Field) -> pa.Array:
        """A column of the window, one value a row.

        Raises
        ------
        ValueError : a row was dropped and the ledger does not hold its value.
        pa.ArrowException : a value on the ledger does not go into the type of the column.
        """
        if field.name in self._base.schema.names:
            old = cast_values(self._base[field.name], field.type)
            rows, new = self._block.values(field.name, undo=self._undo)
        else:
            old = pa.array(np.ones(self._base.num_rows)).cast(field.type)
            rows, new = self._block.weights(field.name)
        index = self._place.copy()
        index[rows - self._start] = len(old) + np.arange(len(rows))
        if len(index) and index.min() < 0:
            row = self._start + int(np.argmin(index))
            raise ValueError(f"it does not hold {field.name!r} of row {row:,}, which was dropped")
        return _picked(old, new, index)

    def ordered(self, batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
        """The rows of the window as they are to stand: each as often as the ledger says, or once for ``undo``."""
        stop = self._start + batch.num_rows
        ends = (
            np.arange(batch.num_rows) + 1 if self._undo else np.cumsum(self._block.lengths(self._start, stop))
        )
        if (np.diff(ends, prepend=0) == 1).all():
            yield from resized(iter([batch]), size)
            return
        for first in range(0, int(ends[-1]), size):
            index = np.searchsorted(ends, np.arange(first, min(first + size, int(ends[-1]))), side="right")
            arrays = [_picked(column, None, index) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _picked(old: pa.Array, new: pa.Array | None, index: IntArray) -> pa.Array:
    """Pick from the old values followed by the new ones."""
    if pa.types.is_run_end_encoded(old.type):
        picked = _picked(pc.run_end_decode(old), new, index)
        return pc.run_end_encode(picked, run_end_type=old.type.run_end_type)
    if new is not None:
        return spliced(old, new, index)
    if len(index) == len(old) and (index == np.arange(len(old))).all():
        return old
    return flat(take_values(old, index))
