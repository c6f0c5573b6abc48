"""Ledgers as files: written whole or not at all, read a batch at a time, and checked while they are."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from credenza._version import __version__
from credenza.data.write import one_line, replacing
from credenza.errors import InputError, UsageError
from credenza.repair.identity import Facts
from credenza.repair.ledger import ledger_schema
from credenza.repair.ledger_check import SIDES, Check, Fault

LEDGER = "credenza.ledger/1"
KEY = b"credenza.ledger"
GROUP_ROWS, GROUP_BYTES = 131_072, 1 << 26  # of a row group
READ_ROWS, READ_BYTES = 65_536, 1 << 25  # of a batch that is read
CHECKED = ("row", "action", "column", "count")  # read in every pass
_BUFFER = 1 << 16


@dataclass(frozen=True)
class LedgerMeta:
    """What a ledger says of itself.

    Attributes
    ----------
    method : what the repair was done with. settings : its parameters, JSON-able.
    suspect, repaired : the data before and after.
    schema : version of the format. credenza : version of the program.
    """

    method: str
    suspect: Facts
    repaired: Facts
    settings: Mapping[str, Any] = field(default_factory=dict)
    schema: str = LEDGER
    credenza: str = __version__

    def to_json(self) -> str:
        """One JSON object; it is the entry ``credenza.ledger`` of the file's schema metadata."""
        sides = {"suspect": self.suspect.to_dict(), "repaired": self.repaired.to_dict()}
        return json.dumps({**vars(self), "settings": dict(self.settings), **sides}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> LedgerMeta:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ValueError, TypeError, KeyError : it is not that.
        """
        values = json.loads(text)
        sides = {name: Facts.from_dict(values[name]) for name in ("suspect", "repaired")}
        return cls(**{**values, **sides})


def write_ledger(batches: Iterable[pa.RecordBatch], path: str | os.PathLike[str], meta: LedgerMeta) -> None:
    """Write a ledger to a Parquet file, whole or not at all.

    Parameters
    ----------
    batches : entries as :mod:`credenza.repair.ledger` makes them, in row order, all of one schema; none at all makes
        an empty ledger. path : target, .parquet or .pq. meta : what the ledger says of itself.

    Raises
    ------
    UsageError : another suffix, entries that cannot be (rows out of order or beyond the data, a row dropped twice, as
        many rows in the end as the repaired data does not have), or see :func:`credenza.data.write.replacing`.
    InputError : values that Parquet cannot hold.

    Notes
    -----
    Memory: one row group, 131,072 entries or 64 MB. 0.8 µs a weight, most of it compression.
    """
    target = Path(path)
    if target.suffix.lower() not in (".parquet", ".pq"):
        raise UsageError(
            f"a ledger is a Parquet file: found {target.name!r}; give a name such as ledger.parquet"
        )
    stream = iter(batches)
    first = next(stream, None)
    form = ledger_schema(meta.suspect.schema, ()) if first is None else first.schema
    entries = stream if first is None else chain([first], stream)
    with replacing(path) as temporary:
        try:
            check = Check(meta, form)
            with _writer(temporary, form, meta) as writer:
                for table in _groups(entries, form, check):
                    writer.write_table(table, row_group_size=len(table))
        except Fault as fault:
            raise UsageError(f"cannot write the ledger {target}: {fault}") from fault
        except pa.ArrowException as error:
            raise InputError(
                f"cannot write the ledger {target}: {one_line(error)}; drop that column"
            ) from error


def read_ledger(path: str | os.PathLike[str]) -> Ledger:
    """Open a ledger; its entries are read later, and checked then.

    Raises
    ------
    InputError : there is no such file, it is not a ledger, or one of a newer version, or it is damaged.
    """
    shown = os.fspath(path)
    if not Path(path).is_file():
        raise InputError(f"no ledger at {shown}: give the file that credenza repair --ledger wrote")
    try:
        with pq.ParquetFile(path) as file:
            form, entries = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{shown} is not a ledger, or damaged ({one_line(error)}); give the file that --ledger wrote"
        ) from error
    told = (form.metadata or {}).get(KEY)
    if told is None:
        raise InputError(
            f"{shown} is a table and not a ledger; give the file that credenza repair --ledger wrote"
        )
    try:
        version = json.loads(told)["schema"]
        if version != LEDGER:
            raise InputError(
                f"{shown} is a ledger of version {version!r}, this credenza reads {LEDGER!r}; use the one that wrote it"
            )
        meta = LedgerMeta.from_json(told.decode())
        Check(meta, form)
    except (Fault, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise damaged(shown, one_line(error)) from error
    return Ledger(Path(path), meta, entries)


class Ledger:
    """A ledger on disk: ``meta``, the number of ``entries``, and the entries themselves a batch at a time."""

    def __init__(self, path: Path, meta: LedgerMeta, entries: int) -> None:
        self.path, self.meta, self.entries = path, meta, entries

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r}, method={self.meta.method!r}, entries={self.entries})"

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the entries in row order.

        Parameters
        ----------
        columns : of the ledger, such as "weight", "after" or "after.age"; None for all. Row, action, column and count
            always come along.

        Raises
        ------
        InputError : the ledger is damaged.
        """
        read = None if columns is None else [*CHECKED, *columns]
        try:
            with pq.ParquetFile(self.path, buffer_size=_BUFFER, page_checksum_verification=True) as file:
                check = Check(self.meta, file.schema_arrow)
                for batch in file.iter_batches(_read_rows(file.metadata), columns=read):
                    if batch.num_rows:
                        check.update(batch)
                        yield batch.replace_schema_metadata(None)
                check.end()
        except (pa.ArrowException, OSError, Fault) as error:
            raise damaged(os.fspath(self.path), one_line(error)) from error

    def summary(self) -> dict[str, Any]:
        """Count the entries: ``entries``, ``rows`` that have any, and entries by ``actions``, ``columns``, ``reasons``.

        Raises
        ------
        InputError : the ledger is damaged.
        """
        counts: dict[str, Counter[str]] = {name: Counter() for name in ("action", "column", "reason")}
        rows, last = 0, -1
        for batch in self.batches(["reason"]):
            for name, counter in counts.items():
                for value, count in zip(*pc.value_counts(batch[name].drop_null()).flatten(), strict=True):
                    counter[value.as_py()] += count.as_py()
            here = batch["row"].to_numpy()
            rows += int(np.count_nonzero(np.diff(here, prepend=last)))
            last = int(here[-1])
        told = {f"{name}s": dict(counter.most_common()) for name, counter in counts.items()}
        return {"entries": self.entries, "rows": rows, **told}


def damaged(shown: str, reason: str) -> InputError:
    """The error for a ledger that contradicts itself."""
    return InputError(
        f"{shown} is a damaged ledger ({reason}); take it from where it was written, or repair again"
    )


def _writer(path: Path, form: pa.Schema, meta: LedgerMeta) -> pq.ParquetWriter:
    kind = form.field("before").type
    names = [] if pa.types.is_null(kind) else [item.name for item in kind]
    values = [f"{side}.{name}" for side in SIDES for name in names]
    return pq.ParquetWriter(
        path,
        form.with_metadata({KEY: meta.to_json().encode()}),
        compression="zstd",
        use_dictionary=["action", "column", "count", "weight", "reason", "method", *values],
        column_encoding={"row": "DELTA_BINARY_PACKED"},
        write_page_checksum=True,
    )


def _groups(batches: Iterable[pa.RecordBatch], form: pa.Schema, check: Check) -> Iterator[pa.Table]:
    """Entries in tables of the size of a row group, checked."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if not batch.schema.equals(form):
            raise Fault("entries of another schema than the first; make all with the same form")
        check.update(batch)
        pending.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.Table.from_batches(pending)
            pending, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(pending)
    check.end()


def _read_rows(metadata: Any) -> int:
    """How many entries to read at once, so that they take about READ_BYTES."""
    size = sum(metadata.row_group(k).total_byte_size for k in range(metadata.num_row_groups))
    each = max(size / max(metadata.num_rows, 1), 8 * metadata.num_columns)
    return int(min(READ_ROWS, max(16, READ_BYTES // each)))
