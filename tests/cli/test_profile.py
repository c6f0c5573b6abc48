from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]


def test_a_profile_stands_in_for_the_reference(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "reference.czp"
    assert main(["profile", str(tables["reference"]), "--out", str(out)]) == 0
    assert capsys.readouterr() == ("", f"credenza: wrote {out}\n")
    statuses = [
        main(["audit", str(tables[name]), "--reference", str(out), "-q"]) for name in ("clean", "poisoned")
    ]
    assert statuses == [0, 1]


def test_profiles_of_parts_merge(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    table = pq.read_table(tables["reference"])
    parts: list[str] = []
    for number, rows in enumerate((table.slice(0, 1_500), table.slice(1_500))):
        part = tmp_path / f"{number}.parquet"
        pq.write_table(rows, part)
        like = ["--like", parts[0]] if parts else []
        parts.append(str(part.with_suffix(".czp")))
        assert main(["profile", str(part), "--out", parts[-1], "--quiet", *like]) == 0
    whole = tmp_path / "whole.czp"
    assert main(["profile", "merge", *parts, "--out", str(whole), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    statuses = [
        main(["audit", str(tables[name]), "--reference", str(whole), "-q"]) for name in ("clean", "poisoned")
    ]
    assert statuses == [0, 1]


def test_columns_limit_the_profile(tables: Tables, tmp_path: Path) -> None:
    from credenza.association.profile import Profile

    out = tmp_path / "two.czp"
    assert (
        main(["profile", str(tables["reference"]), "--out", str(out), "--columns", "smoker,urban", "-q"]) == 0
    )
    assert set(Profile.load(str(out)).schema.names) == {"smoker", "urban"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["merge", "a.czp", "--out", "b.czp"], "profile merge takes two profiles or more: found 1"),
        (["x.csv", "--out", "x.json"], "--out takes a file name that ends in .czp: found 'x.json'"),
        (["x.csv", "--out", "absent/x.czp"], "--out: the folder 'absent' does not exist; make it first"),
        (
            ["merge", "a.czp", "b.czp", "--out", "a.czp"],
            "--out would overwrite an input: found 'a.czp'; give another path",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], line: str, capsys: Captured) -> None:
    assert main(["profile", *arguments]) == 2
    assert capsys.readouterr().err == f"credenza: error: {line}\n"


def test_profiles_of_differing_levels_do_not_merge(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    parts = [str(tmp_path / f"{name}.czp") for name in ("a", "b")]
    assert main(["profile", str(tables["clean"]), "--out", parts[0], "-q"]) == 0
    assert main(["profile", str(tables["clean"]), "--out", parts[1], "-q", "--columns", "smoker,urban"]) == 0
    assert main(["profile", "merge", *parts, "--out", str(tmp_path / "x.czp")]) == 2
    assert "--like" in capsys.readouterr().err


def test_a_table_is_no_profile(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    paths = [str(tables["clean"]), str(tables["reference"])]
    assert main(["profile", "merge", *paths, "--out", str(tmp_path / "x.czp")]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("credenza: error: ")
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_engine_is_chosen_by_name(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    out = str(tmp_path / "clean.czp")
    assert main(["profile", str(tables["clean"]), "--out", out, "--engine", "dask"]) == 2
    assert "'dask' is not one of 'local', 'spark', 'cuda'" in capsys.readouterr().err
    assert main(["profile", str(tables["clean"]), "--out", out, "--engine", "local", "--quiet"]) == 0
