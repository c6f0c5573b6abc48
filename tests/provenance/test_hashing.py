from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credenza.data.progress import watch
from credenza.errors import InputError
from credenza.provenance import hashing
from credenza.provenance.hashing import hash_file, hash_files, list_files, matching, require_unchanged


@given(sizes=st.lists(st.integers(0, 300), max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hashes_are_those_of_the_bytes(
    sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "BLOCK", 64)
    paths = {}
    for number, size in enumerate(sizes):
        paths[str(number)] = tmp_path / str(number)
        paths[str(number)].write_bytes(os.urandom(size))
    for threads in (1, 3):
        found = hash_files(paths, threads=threads)
        assert list(found) == list(paths)
        for name, path in paths.items():
            assert found[name].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert found[name].size == path.stat().st_size


def test_hidden_and_nested_files_are_listed_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in (".hidden", "a/b", "z", "skip", "a/skip"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to(tmp_path / "z")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    found = list_files(tmp_path, ["skip"])
    assert list(found.files) == [".hidden", "a/b", "a/skip", "z"]
    assert found.links == ("link", "loop")
    assert found.others == ("pipe",)
    assert list(list_files(tmp_path, ["skip", "a"]).files) == [".hidden", "z"]


def test_a_folder_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^cannot read the folder .*no such file.*check its permissions$"):
        list_files(tmp_path / "none")


def test_what_cannot_be_hashed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match=r"is a link, which can lead anywhere; put the file itself there$"):
        hash_file(tmp_path / "link")
    with pytest.raises(InputError, match=r"^cannot read .*no such file.*; give files that can be read$"):
        hash_files({"a": tmp_path / "a", "b": tmp_path / "none"})
    with pytest.raises(InputError, match=r"^cannot read .*directory; give files that can be read$"):
        hash_file(tmp_path)


def test_a_file_that_grows_while_it_is_read_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(10))

    class Writer(hashing._Meter):
        def add(self, count: int) -> None:
            with path.open("ab") as file:
                file.write(b"more")
            super().add(count)
            path_limit.append(count)
            if len(path_limit) > 3:
                raise OSError(5, "enough")

    path_limit: list[int] = []
    with pytest.raises(InputError, match=r"enough"):
        hash_file(path, meter=Writer())

    class Once(hashing._Meter):
        def add(self, count: int) -> None:
            if not self.done:
                with path.open("ab") as file:
                    file.write(b"more")
            super().add(count)

    with pytest.raises(
        InputError, match=r"is being written \(\d+ bytes became \d+ while it was read\): wait until"
    ):
        hash_file(path, meter=Once())


def test_what_changed_after_it_was_hashed_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("abc")
    known = {"a": hash_file(path)}
    require_unchanged({"a": path}, known)
    os.utime(path, ns=(1, known["a"].modified + 1))
    with pytest.raises(InputError, match=r"is being written \(3 bytes became 3 while it was read\)"):
        require_unchanged({"a": path}, known)
    path.unlink()
    with pytest.raises(InputError, match=r"is being written \(it is gone while it was read\)"):
        require_unchanged({"a": path}, known)


def test_who_watches_sees_bytes_and_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.lines: list[str] = []
            self.ended = 0

        def start(self, label: str, total: int | None) -> None:
            self.lines.append(label)

        def advance(self, rows: int) -> None:
            raise AssertionError

        def done(self) -> None:
            self.ended += 1

        def announce(self, text: str) -> None:
            raise AssertionError

    monkeypatch.setattr(hashing, "_REDRAW", 0.0)
    paths = {str(number): tmp_path / str(number) for number in range(20)}
    for path in paths.values():
        path.write_bytes(bytes(200_000))
    seen = Watcher()
    with watch(seen):
        hash_files(paths, threads=1)
        with pytest.raises(InputError, match="no such file"):
            hash_files({"none": tmp_path / "none", **paths}, threads=1)
    assert seen.ended == 2
    assert all(" of 2" in line and line.startswith("hashed 0.") for line in seen.lines)
    assert hashing._Meter(done=3 * 10**9).words(2.0, 1, 2) == "hashed 3.00 GB, 1 of 2 files, 1,500 MB/s"
    assert hashing._Meter().words(0.0, 0, 1) == "hashed 0.00 GB, 0 of 1 files, 0 MB/s"


def test_threads_stop_once_one_failed() -> None:
    meter = hashing._Meter(stopped=True)
    with pytest.raises(InputError, match="stopped hashing, since another file could not be read"):
        meter.add(1)


def test_patterns_choose_names() -> None:
    names = ["a.csv", "b/c.csv", "b/d.txt"]
    assert matching(names, []) == tuple(names)
    assert matching(names, ["b/*"]) == ("b/c.csv", "b/d.txt")
    assert matching(names, ["*.txt", "a.*"]) == ("a.csv", "b/d.txt")
