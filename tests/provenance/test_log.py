from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from credenza.errors import InputError, UsageError
from credenza.provenance import log as module
from credenza.provenance.canonical import canonical
from credenza.provenance.log import START, append, read_log
from credenza.provenance.record import Record


def filled(path: Path, count: int = 4) -> list[bytes]:
    """A log of so many records; its lines."""
    for number in range(count):
        append(path, Record("poison", (), (), {"seed": number}))
    return path.read_bytes().splitlines(keepends=True)


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    lines = filled(tmp_path / "log")
    entries = read_log(tmp_path / "log")
    assert [entry.index for entry in entries] == [0, 1, 2, 3]
    assert [entry.record.settings["seed"] for entry in entries] == [0, 1, 2, 3]
    assert [entry.previous for entry in entries] == [START, *(entry.digest for entry in entries[:3])]
    assert len(lines) == 4
    (tmp_path / "empty").write_bytes(b"")
    assert read_log(tmp_path / "empty") == ()


def test_a_file_of_one_record_is_a_log_of_it(tmp_path: Path) -> None:
    record = Record("synth mix", (), (), {"seed": 1}, notes=("made",))
    record.save(tmp_path / "record.json")
    (entry,) = read_log(tmp_path / "record.json")
    assert entry.record == record
    append(tmp_path / "log", record)
    assert read_log(tmp_path / "log") == (entry,)


Edit = Callable[[list[bytes]], list[bytes]]
EDITS: dict[str, tuple[Edit, str]] = {
    "a dropped line": (
        lambda x: [x[0], *x[2:]],
        "line 2 of the log .* is record 2, not 1: lines were changed",
    ),
    "the first line dropped": (lambda x: x[1:], "line 1 of the log .* is record 1, not 0"),
    "two lines swapped": (lambda x: [x[0], x[2], x[1], x[3]], "line 2 of the log .* is record 2, not 1"),
    "a line twice": (lambda x: [*x[:2], *x[1:]], "line 3 of the log .* is record 1, not 2"),
    "an edited setting": (
        lambda x: [x[0], x[1].replace(b'"seed":1', b'"seed":7'), *x[2:]],
        "line 3 of the log .* follows a line with the hash .* which is not the one before it",
    ),
    "another number": (
        lambda x: [x[0], x[1].replace(b'"index":1', b'"index":2'), *x[2:]],
        "line 2 of the log .* is record 2, not 1",
    ),
    "a cut line": (lambda x: [*x[:3], x[3][:-9]], "line 4 of the log .* is cut off"),
    "white space": (lambda x: [x[0].replace(b":", b": ", 1), *x[1:]], "line 1 .* not in the canonical form"),
    "an empty line": (lambda x: [x[0], b"\n", *x[1:]], "line 2 .* is not JSON that can be trusted"),
    "a name more": (
        lambda x: [x[0].replace(b'{"index"', b'{"a":1,"index"', 1)],
        "line 1 .* has a, index, previous",
    ),
    "a number as truth": (
        lambda x: [x[0].replace(b":0,", b":false,", 1)],
        "line 1 .* has index, previous, record",
    ),
    "another record": (
        lambda _: [canonical({"index": 0, "previous": START, "record": {"schema": "x"}}) + b"\n"],
        "line 1 .* has the schema 'x'",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_edits_show(name: str, tmp_path: Path) -> None:
    edit, message = EDITS[name]
    path = tmp_path / "log"
    path.write_bytes(b"".join(edit(filled(path))))
    with pytest.raises(InputError, match=message):
        read_log(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=message):
        append(path, Record("repair", (), (), {}))
    assert path.read_bytes() == before


def test_what_cannot_be_read_or_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^cannot read the log .*no such file.*; give one that --lineage wrote$"
    ):
        read_log(tmp_path / "none")
    with pytest.raises(UsageError, match=r"^cannot write the log .*: no folder .*; create it first$"):
        append(tmp_path / "none" / "log", Record("poison", (), (), {}))


def test_several_at_once_append_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "log"
    jobs = [
        threading.Thread(target=append, args=(path, Record("poison", (), (), {"seed": number})))
        for number in range(6)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert sorted(entry.record.settings["seed"] for entry in read_log(path)) == list(range(6))
    assert [file.name for file in tmp_path.iterdir()] == ["log"]


def test_a_lock_that_is_not_let_go_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.03)
    (tmp_path / ".log.lock").touch()
    with pytest.raises(
        UsageError, match=r"another process appends to .*log: try again; if none does, delete .*lock$"
    ):
        append(tmp_path / "log", Record("poison", (), (), {}))


def test_lines_are_json_that_other_programs_read(tmp_path: Path) -> None:
    for number, line in enumerate(filled(tmp_path / "log")):
        found = json.loads(line)
        assert found["index"] == number
        assert found["record"]["schema"] == "credenza.lineage/1"
