from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source, write_table
from credenza.errors import InputError
from credenza.provenance.keys import PrivateKey
from credenza.provenance.leave import leave_record
from credenza.provenance.lineage import Present, find_log, present_in, trace, trace_data
from credenza.provenance.log import Entry, read_log
from credenza.provenance.record import Artifact, Record
from credenza.provenance.sign import sign


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def made(name: str, version: str = "") -> Artifact:
    return Artifact("data", name, "csv", 1, 1, sha(name + version))


def entries_of(*steps: tuple[list[Artifact], list[Artifact]]) -> tuple[Entry, ...]:
    return tuple(
        Entry(place, "", Record(f"step {place}", tuple(read), tuple(wrote), {}), sha(str(place)))
        for place, (read, wrote) in enumerate(steps)
    )


def present(item: Artifact) -> Present:
    return Present(item.name, item.sha256)


def test_a_chain_leads_to_its_roots() -> None:
    log = entries_of(
        ([made("raw")], [made("poisoned")]),
        ([made("other")], [made("unused")]),
        ([made("poisoned"), made("reference")], [made("fixed")]),
    )
    chain = trace(log, [present(made("fixed"))])
    assert [entry.index for entry in chain.steps] == [2, 0]
    assert sorted(name for name, _ in chain.roots) == ["raw", "reference"]
    assert (chain.unbroken, chain.gaps, chain.unused) == (True, (), 1)


def test_a_change_without_a_record_is_a_gap() -> None:
    log = entries_of(([made("raw")], [made("poisoned")]), ([made("poisoned", "2")], [made("fixed")]))
    chain = trace(log, [present(made("fixed"))])
    assert chain.gaps == (
        f"record 1 (step 1) read 'poisoned' with SHA-256 {sha('poisoned2')[:12]}, but record 0 wrote it with "
        f"{sha('poisoned')[:12]}: something changed it that left no record",
    )
    chain = trace(log, [Present("fixed", sha("else"))])
    assert chain.gaps == (
        f"no record made 'fixed' as it is (SHA-256 {sha('else')[:12]}): record 1 wrote other bytes "
        f"({sha('fixed')[:12]}), and nothing says who changed them",
    )
    assert trace(log, [Present("x", sha("x"))]).gaps == (
        f"no record made 'x' as it is (SHA-256 {sha('x')[:12]})",
    )


def test_a_name_that_was_used_before_is_no_gap() -> None:
    log = entries_of(
        ([made("t", "1")], [made("t", "2")]), ([made("t", "2"), made("t", "1")], [made("t", "3")])
    )
    chain = trace(log, [Present("t", sha("t3"))])
    assert chain.unbroken
    assert chain.roots == (("t", sha("t1")),)


def test_what_comes_back_to_itself_ends() -> None:
    log = entries_of(([made("a")], [made("b")]), ([made("b")], [made("a")]))
    chain = trace(log, [present(made("a"))])
    assert [entry.index for entry in chain.steps] == [1, 0]
    assert chain.roots == (("a", sha("a")),)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8))
@settings(max_examples=40)
def test_a_record_less_is_a_gap_or_a_root(pairs: list[tuple[int, int]]) -> None:
    """A straight chain: without one of its records the way ends there, or all of it is a gap."""
    count = len(pairs)
    log = entries_of(*(([made(f"v{k}")], [made(f"v{k + 1}")]) for k in range(count)))
    whole = trace(log, [present(made(f"v{count}"))])
    assert len(whole.steps) == count
    for missing in range(count):
        chain = trace(log[:missing] + log[missing + 1 :], [present(made(f"v{count}"))])
        assert len(chain.steps) < count
        assert chain.gaps or chain.roots[0][0] == f"v{missing + 1}"


def test_files_of_a_folder_are_followed_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    write_table(pa.table({"a": [1, 2]}), folder / "a.csv")
    write_table(pa.table({"b": [1, 2]}), folder / "b.csv")
    (folder / "notes.txt").write_text("notes")
    names = [item.name for item in present_in(folder)]
    assert names == ["a.csv", "b.csv", "notes.txt"]
    write_table(pa.table({"raw": [1]}), tmp_path / "raw.csv")
    given = {"data": tmp_path / "raw.csv", "out": folder / "a.csv"}
    leave_record(tmp_path / "log", "poison", given, inputs=["data"], outputs=["out"])
    chain = trace_data(folder, tmp_path / "log")
    assert chain.unbroken
    assert [name for name, _ in chain.roots] == ["raw.csv", "b.csv", "notes.txt"]


def test_a_folder_that_was_made_as_one_needs_one_record(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    for name in "ab":
        write_table(pa.table({"x": [1, 2]}), folder / f"{name}.csv")
    assert present_in(folder)[0] == Present("d", open_source(folder).fingerprint(), whole=True)
    leave_record(tmp_path / "log", "poison", {"out": folder}, inputs=[], outputs=["out"])
    chain = trace_data(folder, tmp_path / "log")
    assert (len(chain.steps), chain.roots, chain.gaps) == (1, (), ())


def test_the_log_beside_the_manifest_is_found(data: Path, keys: dict[str, PrivateKey]) -> None:
    with pytest.raises(
        InputError, match=r"has no log at .*: give one that --lineage wrote with --log, or sign"
    ):
        find_log(data)
    file = data / "one.parquet"
    leave_record(data.parent / "log", "features", {"out": file}, inputs=[], outputs=["out"])
    sign(file, keys["mine"], lineage=data.parent / "log")
    assert trace_data(file).unbroken


def test_a_record_says_what_was_asked(tmp_path: Path) -> None:
    write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "in.csv")
    write_table(pa.table({"a": [1]}), tmp_path / "out.csv")
    (tmp_path / "key.json").write_text("{}")
    (tmp_path / "model").write_bytes(b"model")
    given = {
        "clean": tmp_path / "in.csv", "out": tmp_path / "out.csv", "key": str(tmp_path / "key.json"), "page": "-",
        "model": tmp_path / "model", "holdout": None, "pairs": ("a", "b"), "none": [], "big": 2**60, "deep": {"x": 1},
        "flag": True, "off": False, "zero": 0, "quiet": True, "lineage": "log",
    }  # fmt: skip
    entry = leave_record(
        tmp_path / "log", "poison", given, inputs=["clean", "holdout", "model"], outputs=["out"],
        documents=["key", "page"], facts={"rows": 1},
    )  # fmt: skip
    record = entry.record
    assert record.settings == {
        "pairs": ["a", "b"],
        "big": str(2**60),
        "deep": {"x": 1},
        "flag": True,
        "zero": 0,
    }
    assert [(item.role, item.name, item.rows) for item in record.inputs] == [("clean", "in.csv", 3)]
    assert record.facts["documents"] == {
        "key": {"name": "key.json", "sha256": sha("{}")}, "model": {"name": "model", "sha256": sha("model")},
    }  # fmt: skip
    assert record.facts["rows"] == 1
    assert read_log(tmp_path / "log") == (entry,)
    with pytest.raises(InputError, match="no such file"):
        leave_record(tmp_path / "log", "poison", {"out": tmp_path / "x.csv"}, inputs=[], outputs=["out"])
