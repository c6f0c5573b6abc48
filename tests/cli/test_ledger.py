from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from credenza.cli import main
from credenza.data import open_source, write_table
from credenza.repair.identity import facts_of
from credenza.repair.ledger import drop_batch, ledger_schema
from credenza.repair.ledger_file import LedgerMeta, write_ledger

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]


@pytest.fixture
def repaired(tables: Tables, tmp_path: Path) -> Path:
    """The poisoned table less its first hundred rows, with the ledger beside it."""
    source = open_source(tables["poisoned"])
    table = source.table()
    write_table(table.slice(100), tmp_path / "fixed.parquet")
    form = ledger_schema(source.schema)
    dropped = drop_batch(form, np.arange(100), table.slice(0, 100), reason="CZ401", method="drop")
    meta = LedgerMeta("drop", facts_of(source), facts_of(open_source(tmp_path / "fixed.parquet")))
    write_ledger([dropped], tmp_path / "ledger.parquet", meta)
    return tmp_path / "fixed.parquet"


def arguments(way: str, data: Path, out: Path) -> list[str]:
    return ["ledger", way, str(data), "--ledger", str(out.parent / "ledger.parquet"), "--out", str(out)]


def test_there_and_back(tables: Tables, repaired: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(arguments("apply", tables["poisoned"], tmp_path / "again.parquet")) == 0
    out, err = capsys.readouterr()
    ledger, again = tmp_path / "ledger.parquet", tmp_path / "again.parquet"
    assert (out, err) == ("", f"credenza: applied 100 entries of {ledger} (drop); wrote {again}\n")
    assert pq.read_table(again).equals(pq.read_table(repaired))
    assert main(arguments("undo", again, tmp_path / "back.csv")) == 0
    assert capsys.readouterr().err.startswith("credenza: undid 100 entries of ")
    assert main([*arguments("apply", tmp_path / "back.csv", tmp_path / "third.parquet"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert pq.read_table(tmp_path / "third.parquet").to_pylist() == pq.read_table(repaired).to_pylist()


@pytest.mark.parametrize(
    ("way", "data", "ledger", "line"),
    [
        ("apply", "fixed", "ledger.parquet", "is repaired already: undo takes that back; give the data that"),
        (
            "undo",
            "clean",
            "ledger.parquet",
            "is not the data that ledger.parquet repaired: that has 3,900 rows",
        ),
        (
            "undo",
            "fixed",
            "fixed.parquet",
            "is a table and not a ledger; give the file that credenza repair ",
        ),
        ("undo", "fixed", "none.parquet", "give the file that credenza repair --ledger wrote"),
        ("undo", "absent", "ledger.parquet", "repaired data: no such file or folder: "),
        ("redo", "fixed", "ledger.parquet", "'redo' is not one of 'apply', 'undo'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    way: str,
    data: str,
    ledger: str,
    line: str,
    tables: Tables,
    repaired: Path,
    tmp_path: Path,
    capsys: Captured,
) -> None:
    before = sorted(tmp_path.iterdir())
    paths = {"fixed": repaired, "clean": tables["clean"], "absent": tmp_path / "absent.parquet"}
    options = ["--ledger", str(tmp_path / ledger), "--out", str(tmp_path / "out.parquet")]
    assert main(["ledger", way, str(paths[data]), *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("credenza: error: ")
    assert line in err
    assert sorted(tmp_path.iterdir()) == before


def test_inputs_are_not_overwritten(repaired: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(arguments("undo", repaired, repaired)) == 2
    assert capsys.readouterr().err.startswith("credenza: error: --out would overwrite an input: ")


def test_a_folder_becomes_a_folder(tables: Tables, repaired: Path, tmp_path: Path) -> None:
    for name, wanted in (("full", 0), ("absent", 1)):
        (tmp_path / "parts").mkdir(exist_ok=True)
        write_table(pq.read_table(repaired), tmp_path / "parts" / "a.parquet")
        target = tmp_path / name
        if not wanted:
            target.mkdir()
        assert main([*arguments("undo", tmp_path / "parts", target), "-q"]) == 0
        assert pq.read_table(target / "a.parquet").equals(pq.read_table(tables["poisoned"]))
