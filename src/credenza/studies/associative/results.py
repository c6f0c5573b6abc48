"""What is done, one unit a line, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from credenza.data.write import write_text
from credenza.errors import UsageError
from credenza.studies.associative.units import Unit

SCHEMA = "credenza.study/1"
DESCRIPTION, RESULTS = "study.json", "results.jsonl"
Record = dict[str, Any]


class Results:
    """Finished units by name, in memory and on disk.

    Every line is written at once; a line that was cut off is dropped when the file is read again.

    Parameters
    ----------
    folder : of the study; made if need be. settings : plain data that decides what a unit comes to. What they say of
        generators that no unit is of, or of how many conditions and models there are, may change.

    Raises
    ------
    UsageError : the folder is a file, holds results of other settings or a damaged line, or its parent is absent.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     one = Results(Path(name), {"seed": 0})
    ...     one.add({"unit": asdict(Unit("tabular", "chow-liu", "clean", 0)), "seconds": 1})
    ...     list(Results(Path(name), {"seed": 0}).done)
    ['tabular-chow-liu-clean-0']
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = _made(folder)
        self._file = folder / RESULTS
        self.done: dict[str, Record] = {}
        for number, line in enumerate(self._whole_lines(), start=1):
            record = _record(line, self._file, number)
            self.done[Unit(**record["unit"]).name] = record
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
        self.done[Unit(**record["unit"]).name] = json.loads(line)

    def _describe(self, settings: dict[str, Any]) -> None:
        path = self.folder / DESCRIPTION
        mine = json.loads(json.dumps({"schema": SCHEMA, "study": "associative", **settings}))
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
        made = {(record["unit"]["modality"], record["unit"]["generator"]) for record in self.done.values()}
        if _deciding(found, made) != _deciding(mine, made):
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


def _made(folder: Path) -> Path:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"cannot write the study to {folder}: it is a file; give a folder")
    if not folder.parent.is_dir():
        raise UsageError(f"cannot write the study to {folder}: no folder {folder.parent}; create it first")
    folder.mkdir(exist_ok=True)
    return folder


def _record(line: str, path: Path, number: int) -> Record:
    try:
        found = json.loads(line)
        unit = Unit(**found["unit"])
    except (ValueError, TypeError, KeyError):
        raise UsageError(
            f"{path} is damaged in line {number}: found {line.strip()[:40]!r}; delete that line"
        ) from None
    return {**found, "unit": asdict(unit)}


def _deciding(settings: Any, made: set[tuple[str, str]]) -> Any:
    """Settings that decided results that are there: of the experiments, those of the generators that were trained."""
    scale = settings.get("scale") if isinstance(settings, dict) else None
    if not isinstance(scale, dict) or not isinstance(scale.get("experiments"), list):
        return settings
    own = [
        {key: value for key, value in item.items() if key not in ("conditions", "models")}
        for item in scale["experiments"]
        if (item.get("modality"), item.get("generator")) in made
    ]
    return {**settings, "scale": {**scale, "experiments": own}}


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
