"""What is done, one unit a line, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from credenza.data.write import write_text
from credenza.errors import UsageError

SCHEMA = "credenza.study/1"
DESCRIPTION, RESULTS = "study.json", "results.jsonl"
Record = dict[str, Any]


class Results:
    """Finished units by name, in memory and on disk.

    Every line is written at once; a line that was cut off is dropped when the file is read again.

    Parameters
    ----------
    folder : of the study; made if need be. settings : plain data that decides what a unit comes to.
    study : its name. unit : dataclass of its units, which have a ``name``; a record holds one as plain data.
    deciding : what of the settings (first argument) must be the same when the folder is taken up again, given the
        records that are there; all by default.

    Raises
    ------
    UsageError : the folder is a file, holds results of other settings or a damaged line, or its parent is absent.

    Examples
    --------
    >>> import tempfile
    >>> from credenza.studies.associative.units import Unit
    >>> with tempfile.TemporaryDirectory() as name:
    ...     one = Results(Path(name), {"seed": 0}, study="associative", unit=Unit)
    ...     one.add({"unit": asdict(Unit("tabular", "chow-liu", "clean", 0)), "seconds": 1})
    ...     list(Results(Path(name), {"seed": 0}, study="associative", unit=Unit).done)
    ['tabular-chow-liu-clean-0']
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        study: str,
        unit: type[Any],
        deciding: Callable[[Any, Sequence[Record]], Any] | None = None,
    ) -> None:
        self.folder, self._study, self._unit = _made(folder), study, unit
        self._deciding = deciding or (lambda settings, _: settings)
        self._file = folder / RESULTS
        self.done: dict[str, Record] = {}
        for number, line in enumerate(self._whole_lines(), start=1):
            record = self._record(line, number)
            self.done[unit(**record["unit"]).name] = record
        self._describe(dict(settings))

    @property
    def records(self) -> list[Record]:
        """All that is done, in the order of the units' names."""
        return [self.done[name] for name in sorted(self.done)]

    def add(self, record: Record) -> None:
        """Note a finished unit."""
        line = json.dumps({"schema": SCHEMA, **record}, allow_nan=False)
        with self._file.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")
        self.done[self._unit(**record["unit"]).name] = json.loads(line)

    def _describe(self, settings: dict[str, Any]) -> None:
        path = self.folder / DESCRIPTION
        mine = json.loads(json.dumps({"schema": SCHEMA, "study": self._study, **settings}))
        if not path.exists():
            if others := sorted(item.name for item in self.folder.iterdir() if not item.name.startswith(".")):
                raise UsageError(
                    f"{self.folder} holds {others[0]!r} and no {DESCRIPTION}; give a new or empty folder"
                )
            write_text(json.dumps(mine, indent=2) + "\n", path)
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise UsageError(f"{path} is not JSON; give a new or empty folder") from None
        if self._deciding(found, self.records) != self._deciding(mine, self.records):
            raise UsageError(
                f"{self.folder} holds results of other settings ({_difference(found, mine)}); "
                "give another folder, or repeat what it was begun with"
            )
        if found != mine:
            write_text(json.dumps(mine, indent=2) + "\n", path)

    def _whole_lines(self) -> list[str]:
        """Lines of the file; one that was cut off is taken out of it."""
        if not self._file.exists():
            return []
        lines = self._file.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        if len(whole) < len(lines):
            with self._file.open("r+b") as file:
                file.truncate(sum(map(len, whole)))
        return [line.decode("utf-8", "replace") for line in whole]

    def _record(self, line: str, number: int) -> Record:
        try:
            found = json.loads(line)
            unit = self._unit(**found["unit"])
        except (ValueError, TypeError, KeyError):
            raise UsageError(
                f"{self._file} is damaged in line {number}: found {line.strip()[:40]!r}; delete that line"
            ) from None
        return {**found, "unit": asdict(unit)}


def _made(folder: Path) -> Path:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"cannot write the study to {folder}: it is a file; give a folder")
    if not folder.parent.is_dir():
        raise UsageError(f"cannot write the study to {folder}: no folder {folder.parent}; create it first")
    folder.mkdir(exist_ok=True)
    return folder


def _difference(found: Any, mine: Mapping[str, Any]) -> str:
    """The first setting that differs, in words."""
    if not isinstance(found, dict):
        return "no settings"
    for name in (*mine, *found):
        before, now = found.get(name), mine.get(name)
        if before != now:
            if isinstance(before, dict) and isinstance(now, dict):
                return f"{name}: {_difference(before, now)}"
            shown = f"{before!r}, now {now!r}"
            return f"{name} was {shown}" if len(shown) < 80 else f"{name} differs"
    return "nothing differs"
