"""The runs that are done, one a line, so that a drill that was stopped goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from credenza.drill.trial import Record
from credenza.errors import UsageError

SCHEMA = "credenza.drill-journal/1"
Place = tuple[int, int, int]  # target (-1: none), strength, run


class Journal:
    """Finished runs by their place, in memory and, with a file, on disk.

    Every line is written at once; a line that was cut off is dropped when the file is read again.
    """

    def __init__(self, done: dict[Place, Record], file: IO[str] | None) -> None:
        self.done, self._file = done, file

    def add(self, place: Place, record: Record) -> None:
        """Note a finished run."""
        self.done[place] = record
        if self._file is not None:
            line = [*place, int(record.named), int(record.alarm), record.extra]
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


@contextmanager
def journal(path: str | os.PathLike[str] | None, key: str) -> Iterator[Journal]:
    """Open a journal, new or begun.

    Parameters
    ----------
    path : JSON Lines; None keeps the runs in memory alone.
    key : hash of everything that decides what a run comes to.

    Raises
    ------
    UsageError : the file is no journal, or of other data or settings; or it cannot be written.
    """
    if path is None:
        yield Journal({}, None)
        return
    target = Path(path)
    try:
        text = target.read_text(encoding="utf-8") if target.exists() else ""
    except UnicodeDecodeError:
        raise UsageError(_not_a_journal(target)) from None
    lines = text.splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    if lines and not _is_header(whole[0] if whole else ""):
        raise UsageError(_not_a_journal(target))
    if whole and json.loads(whole[0])["key"] != key:
        raise UsageError(
            f"the journal {str(target)!r} is of other data, settings or another version; "
            "give another file, or repeat what it was begun with"
        )
    done = dict(_entry(line, target) for line in whole[1:])
    with target.open("r+b" if target.exists() else "xb") as raw:
        raw.truncate(sum(len(line.encode()) for line in whole))
    with target.open("a", encoding="utf-8", newline="\n") as file:
        if not whole:
            file.write(json.dumps({"schema": SCHEMA, "key": key}) + "\n")
            file.flush()
        yield Journal(done, file)


def _is_header(line: str) -> bool:
    try:
        first: Any = json.loads(line)
    except json.JSONDecodeError:
        return False
    return isinstance(first, dict) and first.get("schema") == SCHEMA and "key" in first


def _entry(line: str, target: Path) -> tuple[Place, Record]:
    try:
        numbers = json.loads(line)
    except json.JSONDecodeError:
        numbers = None
    if not (isinstance(numbers, list) and len(numbers) == 6 and all(isinstance(n, int) for n in numbers)):
        raise UsageError(f"the journal {str(target)!r} is damaged: found {line.strip()[:60]!r}; delete it")
    a, b, c, named, alarm, extra = numbers
    return (a, b, c), Record(bool(named), bool(alarm), extra)


def _not_a_journal(target: Path) -> str:
    return f"{str(target)!r} is no journal of a drill; give another file for the journal"
