"""An append-only log of records: each line holds the hash of the line before, so that a gap or a new order shows."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from credenza.errors import InputError, UsageError
from credenza.provenance.canonical import canonical, read_object
from credenza.provenance.record import LINEAGE_SCHEMA, Record

START = "0" * 64  # what stands for the line before the first
_PATIENCE = 10.0  # seconds to wait for another process that appends


@dataclass(frozen=True)
class Entry:
    """A line of a log: its number from 0, the hash of the line before, the record, and the hash of this line."""

    index: int
    previous: str
    record: Record
    digest: str


def line_of(index: int, previous: str, record: Record) -> bytes:
    """A line of a log, with its end: canonical JSON, whose SHA-256 the next line holds."""
    return canonical({"index": index, "previous": previous, "record": asdict(record)}) + b"\n"


def append(path: str | os.PathLike[str], record: Record) -> Entry:
    """Add a record to a log; a log that is not there is begun.

    Nothing that stands in the log is touched, and nothing is added behind a line that does not fit. Of several
    processes one appends after the other. Cost: reads the log.

    Raises
    ------
    InputError : the log is damaged, see :func:`read_log`. UsageError : no folder, or another process does not let go.

    Examples
    --------
    >>> append("log.jsonl", Record("poison", (), (), {"seed": 0})).index
    0
    >>> append("log.jsonl", Record("repair", (), (), {"seed": 0})).index
    1
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(f"cannot write the log {target}: no folder {target.parent}; create it first")
    with _alone(target):
        entries = read_log(target) if target.exists() else ()
        previous = entries[-1].digest if entries else START
        line = line_of(len(entries), previous, record)
        with target.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    return Entry(len(entries), previous, record, hashlib.sha256(line).hexdigest())


def read_log(path: str | os.PathLike[str]) -> tuple[Entry, ...]:
    """Read a log; a file of one record, as ``synth mix --lineage`` writes it, counts as a log of it.

    Raises
    ------
    InputError : no such file; a line that is cut, changed, out of order or left out; the message says which. What is
        missing at the end only the signed manifest shows, which holds the hash of the last line.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot read the log {path}: {reason}; give one that --lineage wrote") from error
    if _is_record(data):
        record = Record.from_json(data, what=f"the record {path}")
        line = line_of(0, START, record)
        return (Entry(0, START, record, hashlib.sha256(line).hexdigest()),)
    entries: list[Entry] = []
    previous = START
    for index, line in enumerate(data.splitlines(keepends=True)):
        entry = _entry(line, f"line {index + 1} of the log {path}")
        if entry.index != index or entry.previous != previous:
            raise InputError(
                f"{_misfit(entry, index, path)}: lines were changed, left out or put in another order"
            )
        previous = entry.digest
        entries.append(entry)
    return tuple(entries)


def _misfit(entry: Entry, index: int, path: str | os.PathLike[str]) -> str:
    where = f"line {index + 1} of the log {path}"
    if entry.index != index:
        return f"{where} is record {entry.index}, not {index}"
    return f"{where} follows a line with the hash {entry.previous[:12]}, which is not the one before it"


def _entry(line: bytes, what: str) -> Entry:
    if not line.endswith(b"\n"):
        raise InputError(
            f"{what} is cut off; the last command that appended to it was stopped, or the end is lost"
        )
    found = read_object(line, what)
    if set(found) != {"index", "previous", "record"} or type(found["index"]) is not int:
        raise InputError(f"{what} has {', '.join(sorted(found))}; a line has index, previous, record")
    if canonical(found) + b"\n" != line:
        raise InputError(f"{what} is not in the canonical form that was written: it was changed")
    record = Record.from_json(json.dumps(found["record"]), what=what)
    return Entry(found["index"], found["previous"], record, hashlib.sha256(line).hexdigest())


def _is_record(data: bytes) -> bool:
    """Whether a file is one record by itself."""
    try:
        found: Any = json.loads(data)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("schema") == LINEAGE_SCHEMA


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Keep other processes from appending: a file beside the log that only one can make."""
    lock = target.with_name(f".{target.name}.lock")
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if time.monotonic() > until:
                raise UsageError(
                    f"another process appends to {target}: try again; if none does, delete {lock}"
                ) from None
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
