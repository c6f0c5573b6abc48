"""Finished runs on disk: read back, cut short, of another drill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credenza.drill.journal import journal
from credenza.drill.trial import Record
from credenza.errors import UsageError

HIT, MISS = Record(True, True, 1), Record(False, False, 0)


def written(path: Path, key: str = "k") -> None:
    with journal(path, key) as book:
        book.add((0, 1, 2), HIT)
        book.add((-1, 0, 3), MISS)


def test_runs_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written(path)
    with journal(path, "k") as book:
        assert book.done == {(0, 1, 2): HIT, (-1, 0, 3): MISS}
        book.add((5, 0, 0), HIT)
    assert len(path.read_text().splitlines()) == 4


def test_every_line_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with journal(path, "k") as book:
        book.add((0, 0, 0), HIT)
        assert json.loads(path.read_text().splitlines()[1]) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j.jsonl"
    written(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with journal(path, "k") as book:
        assert book.done == {(0, 1, 2): HIT}
        book.add((7, 0, 0), HIT)
    with journal(path, "k") as book:
        assert sorted(book.done) == [(0, 1, 2), (7, 0, 0)]


@pytest.mark.parametrize("text", ["", '{"schema": "credenza.drill-j'])
def test_a_file_with_nothing_whole_in_it_is_begun_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text(text)
    if text:
        with pytest.raises(UsageError, match="is no journal of a drill"), journal(path, "k"):
            pass
        return
    written(path)
    with journal(path, "k") as book:
        assert len(book.done) == 2


def test_without_a_file_runs_are_held() -> None:
    with journal(None, "k") as book:
        book.add((0, 0, 0), HIT)
        assert book.done == {(0, 0, 0): HIT}


def test_a_journal_of_another_drill_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written(path)
    before = path.read_bytes()
    with pytest.raises(UsageError) as error, journal(path, "other"):
        pass
    assert str(error.value) == (
        f"the journal {str(path)!r} is of other data, settings or another version; "
        "give another file, or repeat what it was begun with"
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b'{"a": 1}\n', b"x,y\n1,2\n", b"\xff\xfe\x00", b"[1, 2]\n"])
def test_another_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error, journal(path, "k"):
        pass
    assert str(error.value) == f"{str(path)!r} is no journal of a drill; give another file for the journal"
    assert path.read_bytes() == content


@pytest.mark.parametrize("line", ["nonsense", "[1, 2, 3]", '[1, 2, 3, 4, 5, "x"]'])
def test_a_damaged_line_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "j.jsonl"
    written(path)
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UsageError) as error, journal(path, "k"):
        pass
    assert str(error.value) == f"the journal {str(path)!r} is damaged: found {line!r}; delete it"
