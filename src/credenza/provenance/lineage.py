"""From the data that is there, record by record, to the data that no record made; and where that chain is broken."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from credenza.data import open_source
from credenza.errors import InputError
from credenza.provenance import manifest as form
from credenza.provenance.hashing import hash_files
from credenza.provenance.log import Entry, read_log
from credenza.provenance.manifest import home_of
from credenza.provenance.record import Artifact
from credenza.provenance.sign import listed


@dataclass(frozen=True)
class Present:
    """Data that is there: its name, the hash that a record has of it, and whether it is a folder as one table."""

    name: str
    sha256: str
    whole: bool = False


@dataclass(frozen=True)
class Chain:
    """Where data comes from.

    Attributes
    ----------
    steps : the records that led to the data, latest first. roots : (name, SHA-256) of data that no record made.
    gaps : where the chain is broken, one sentence each. unused : records of the log that did not lead to the data.
    """

    steps: tuple[Entry, ...]
    roots: tuple[tuple[str, str], ...]
    gaps: tuple[str, ...]
    unused: int = 0

    @property
    def unbroken(self) -> bool:
        """Whether every step is recorded, back to the roots."""
        return not self.gaps


def find_log(data: str | os.PathLike[str]) -> Path:
    """The log beside the manifest of a folder or file.

    Raises
    ------
    InputError : there is none.
    """
    path = home_of(Path(data)) / form.LOG
    if not path.is_file():
        raise InputError(
            f"{data} has no log at {path}: give one that --lineage wrote with --log, or sign the data with it"
        )
    return path


def present_in(data: str | os.PathLike[str]) -> tuple[Present, ...]:
    """The data of a folder or file, as records name it: as one table if it is one, and each file. Cost: reads all."""
    root = Path(data)
    files = listed(root).files
    found = [Present(name, item.sha256) for name, item in hash_files(files).items()]
    if root.is_dir():
        try:
            found.insert(0, Present(root.resolve().name, open_source(root).fingerprint(), whole=True))
        except InputError:  # files of several tables
            return tuple(found)
    return tuple(found)


def trace(entries: Sequence[Entry], present: Sequence[Present]) -> Chain:
    """Follow data back through a log.

    Parameters
    ----------
    entries : of a log, oldest first. present : the data that is there; see :func:`present_in`. When a record made
        a folder as a whole, its files need no record of their own.

    Returns
    -------
    Chain
        An input is followed to the latest earlier record with an output of the same hash. Without one it is a root,
        but when a record wrote data of its name, with another hash, and none read it before that: then it is a gap,
        since something changed it that left no record.

    Examples
    --------
    >>> trace((), [Present("a.csv", "0" * 64)]).gaps
    ("no record made 'a.csv' as it is (SHA-256 000000000000)",)
    """
    walk = _Walk(entries)
    known = [item for item in present if walk.maker(item.sha256, len(entries)) is not None]
    if not known:
        walk.gaps += [_unmade(entries, item) for item in present[:1]]
    elif known[0].whole:
        walk.follow(known[0], len(entries), "the data that is there")
    else:
        for item in present:
            if not item.whole:
                walk.follow(item, len(entries), "the data that is there")
    steps = tuple(entries[place] for place in sorted(walk.used, reverse=True))
    return Chain(steps, tuple(walk.roots), tuple(walk.gaps), len(entries) - len(steps))


def trace_data(data: str | os.PathLike[str], log: str | os.PathLike[str] | None = None) -> Chain:
    """Follow the data of a folder or file back through a log, by default the one beside its manifest.

    Raises
    ------
    InputError : no data, no log, or a log that is damaged.
    """
    return trace(read_log(find_log(data) if log is None else log), present_in(data))


def _unmade(entries: Sequence[Entry], item: Present) -> str:
    named = [entry for entry in entries if any(made.name == item.name for made in entry.record.outputs)]
    base = f"no record made {item.name!r} as it is (SHA-256 {item.sha256[:12]})"
    if not named:
        return base
    made = next(made for made in named[-1].record.outputs if made.name == item.name)
    return f"{base}: record {named[-1].index} wrote other bytes ({made.sha256[:12]}), and nothing says who changed them"


@dataclass
class _Walk:
    """The way back from some data, and what it found."""

    entries: Sequence[Entry]
    used: set[int] = field(default_factory=set)
    roots: list[tuple[str, str]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def maker(self, sha256: str, before: int) -> int | None:
        """The latest record before this one that wrote data of this hash."""
        for place in range(before - 1, -1, -1):
            if any(made.sha256 == sha256 for made in self.entries[place].record.outputs):
                return place
        return None

    def follow(self, item: Present, before: int, reader: str) -> None:
        """Go on from one table that was read, by ``reader``, before a record."""
        waiting = [(item.name, item.sha256, before, reader)]
        while waiting:
            name, sha256, before, reader = waiting.pop()
            place = self.maker(sha256, before)
            if place is None:
                self._end(name, sha256, before, reader)
            elif place not in self.used:
                self.used.add(place)
                entry = self.entries[place]
                reader = f"record {entry.index} ({entry.record.action})"
                waiting += [(item.name, item.sha256, place, reader) for item in entry.record.inputs]

    def _end(self, name: str, sha256: str, before: int, reader: str) -> None:
        """No record made this: a root, or a gap where one made something else of this name."""
        made = self._of_name(name, before)
        if made is None or self._read_by(made[0], sha256):
            if (name, sha256) not in self.roots:
                self.roots.append((name, sha256))
            return
        place, output = made
        self.gaps.append(
            f"{reader} read {name!r} with SHA-256 {sha256[:12]}, but record {place} wrote it with "
            f"{output.sha256[:12]}: something changed it that left no record"
        )

    def _read_by(self, last: int, sha256: str) -> bool:
        """Whether this record or one before it read data of this hash: then it is older than what was written."""
        return any(
            read.sha256 == sha256 for entry in self.entries[: last + 1] for read in entry.record.inputs
        )

    def _of_name(self, name: str, before: int) -> tuple[int, Artifact] | None:
        for place in range(before - 1, -1, -1):
            for made in self.entries[place].record.outputs:
                if made.name == name:
                    return self.entries[place].index, made
        return None
