"""Rows on disk, and the record of how they were made in a log."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa

from credenza.data import write_table
from credenza.data.write import require_format
from credenza.errors import UsageError
from credenza.provenance import Artifact, Record, artifact_of
from credenza.provenance.log import append, read_log

Place = str | os.PathLike[str]


class Recorded(Protocol):
    """Rows that know how they were made: a dataclass."""

    @property
    def data(self) -> pa.Table:
        """The rows."""

    @property
    def outputs(self) -> tuple[Artifact, ...]:
        """What was written."""

    def record(self) -> Record:
        """The step of the lineage."""


M = TypeVar("M", bound=Recorded)


def require_writable(out: Place, lineage: Place | None) -> None:
    """Refuse, before any work, a format that is unknown and a log that is damaged or has no folder.

    Raises
    ------
    UsageError : unknown suffix of ``out``; no folder for the log. InputError : the log is damaged.
    """
    require_format(out)
    if lineage is None:
        return
    log = Path(lineage)
    if not log.parent.is_dir():
        raise UsageError(f"cannot write the log {log}: no folder {log.parent}; create it first")
    if log.exists():
        read_log(log)


def written(made: M, role: str, out: Place, lineage: Place | None) -> M:
    """Write the rows to ``out`` and append the record, with the hash of what was written, to the log ``lineage``.

    Returns
    -------
    ``made`` with its output.
    """
    write_table(made.data, out)
    done = replace(made, outputs=(artifact_of(role, out),))  # type: ignore[type-var]
    if lineage is not None:
        append(lineage, done.record())
    return done
