"""What entries of a ledger must be, whoever wrote them: looked at as they pass, when written and when read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.repair.ledger import ACTIONS, DROP, EDIT, REPEAT, WEIGHT, ledger_schema

if TYPE_CHECKING:
    from credenza.repair.ledger_file import LedgerMeta

SIDES = ("before", "after")


class Fault(Exception):  # noqa: N818 - it becomes an error of writing, or of reading
    """What is wrong with the entries of a ledger."""


class Check:
    """Looks at the entries of a ledger as they pass, in order."""

    def __init__(self, meta: LedgerMeta, form: pa.Schema) -> None:
        self._meta = meta
        self._last = self._last_sized = -1
        self._rows = meta.suspect.rows
        plain = {
            item.name: item.type for item in ledger_schema(meta.suspect.schema, ()) if item.name not in SIDES
        }
        found = {item.name: item.type for item in form if item.name not in SIDES}
        if found != plain or set(form.names) != {*plain, *SIDES}:
            raise Fault(f"its columns are not those of a ledger: found {', '.join(form.names[:9])}")
        kind = form.field("before").type
        self._held = set() if pa.types.is_null(kind) else {item.name for item in kind}
        if unknown := self._held - set(meta.suspect.schema.names):
            raise Fault(f"it holds values of {min(unknown)!r}, which the data does not have")
        self._added = set(meta.repaired.schema.names) - set(meta.suspect.schema.names)

    def update(self, batch: pa.RecordBatch) -> None:
        """Check one batch more.

        Raises
        ------
        Fault : rows out of order or beyond the data, unknown actions or columns, counts that cannot be.
        """
        if not batch.num_rows:
            return
        rows, actions = batch["row"].to_numpy(), batch["action"]
        if rows[0] < max(self._last, 0) or (np.diff(rows) < 0).any():
            raise Fault(f"rows are not in order after row {self._last:,}")
        if rows[-1] >= self._meta.suspect.rows:
            raise Fault(f"it speaks of row {rows[-1]:,} of {self._meta.suspect.rows:,}, counted from 0")
        self._last = int(rows[-1])
        if unknown := set(actions.unique().to_pylist()) - set(ACTIONS):
            raise Fault(f"it has an action {min(unknown, key=str)!r}")
        for action, known in ((EDIT, self._held), (WEIGHT, self._added)):
            named = batch["column"].filter(pc.equal(actions, action)).unique().to_pylist()
            if unknown := set(named) - known:
                raise Fault(
                    f"it has {action} entries for column {min(unknown, key=str)!r}, which it does not hold"
                )
        self._resize(rows, actions, batch["count"])

    def _resize(self, rows: Any, actions: pa.Array, counts: pa.Array) -> None:
        repeated = pc.equal(actions, REPEAT).to_numpy(zero_copy_only=False)
        sized = rows[repeated | pc.equal(actions, DROP).to_numpy(zero_copy_only=False)]
        if not len(sized):
            return
        twice = np.flatnonzero(np.diff(sized, prepend=self._last_sized) == 0)
        if len(twice):
            raise Fault(f"row {sized[twice[0]]:,} is dropped or repeated twice")
        self._last_sized = int(sized[-1])
        times = counts.filter(pa.array(repeated))
        if times.null_count or (pc.min(times).as_py() or 1) < 1:
            raise Fault("a repeated row has no count of 1 or more")
        self._rows += int(pc.sum(times).as_py() or 0) - len(sized)

    def end(self) -> None:
        """All entries were seen.

        Raises
        ------
        Fault : they do not make as many rows as the repaired data has.
        """
        if self._rows != self._meta.repaired.rows:
            raise Fault(f"it makes {self._rows:,} rows, the repaired data has {self._meta.repaired.rows:,}")
