"""One way for every command that writes data to leave a record of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from credenza.errors import InputError
from credenza.provenance.hashing import hash_file
from credenza.provenance.log import Entry, append
from credenza.provenance.record import Artifact, Record, artifact_of

UNRECORDED = frozenset({"quiet", "lineage"})


def leave_record(
    log: str | os.PathLike[str],
    action: str,
    arguments: Mapping[str, Any],
    *,
    inputs: Iterable[str],
    outputs: Iterable[str],
    documents: Iterable[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> Entry:
    """Append a record of what a command did to a log.

    Parameters
    ----------
    log : see :mod:`credenza.provenance.log`. action : the command. arguments : all that it was given, by name.
    inputs, outputs : which arguments are paths of data that was read and written. documents : which are paths of other
        files (an answer key, an audit, a page), where they are: their names and hashes are recorded among the facts.
    facts : what came of it.

    Returns
    -------
    Entry
        Paths are recorded by the last part of their names. Arguments that are None, False or empty are left out, as are
        those that are not about the data (``quiet``). Cost: reads what was read and written once more.

    Raises
    ------
    InputError : the log is damaged. UsageError : its folder is not there.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import write_table
    >>> write_table(pa.table({"a": [1, 2]}), "in.csv")
    >>> write_table(pa.table({"a": [1]}), "out.csv")
    >>> given = {"data": "in.csv", "out": "out.csv", "seed": 0, "quiet": True}
    >>> entry = leave_record("log.jsonl", "repair", given, inputs=["data"], outputs=["out"])
    >>> entry.record.settings, entry.record.outputs[0].rows
    ({'seed': 0}, 1)
    """
    inputs, outputs, documents = tuple(inputs), tuple(outputs), tuple(documents)
    others = {
        name: _document(Path(path))
        for name in documents
        if (path := arguments.get(name)) is not None and Path(str(path)).is_file()
    }
    paths = {*inputs, *outputs, *others, *(name for name in documents if arguments.get(name) == "-")}
    settings = {
        name: _plain(value)
        for name, value in arguments.items()
        if name not in paths | UNRECORDED
        and value is not None
        and value is not False
        and value not in ((), [])
    }
    read, more = _artifacts(arguments, inputs)
    written, rest = _artifacts(arguments, outputs)
    others |= more | rest
    told = dict(facts or {}) | ({"documents": others} if others else {})
    return append(log, Record(action, read, written, settings, told))


def _artifacts(
    arguments: Mapping[str, Any], names: tuple[str, ...]
) -> tuple[tuple[Artifact, ...], dict[str, dict[str, str]]]:
    """The tables among these arguments, and the files that are none."""
    tables, others = [], {}
    for name in names:
        path = arguments.get(name)
        if path is None:
            continue
        try:
            tables.append(artifact_of(name, str(path)))
        except InputError:
            if not Path(path).is_file():
                raise
            others[name] = _document(Path(path))
    return tuple(tables), others


def _document(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": hash_file(path).sha256}


def _plain(value: Any) -> Any:
    """A value of an option as JSON holds it; numbers beyond 2^53 as text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value
