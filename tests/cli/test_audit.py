from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.cli import main
from credenza.cli.options import EngineName
from credenza.engines import ENGINES

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]


def test_a_clean_table_is_status_0(tables: Tables, capsys: Captured) -> None:
    assert main(["audit", str(tables["clean"]), "--reference", str(tables["reference"])]) == 0
    captured = capsys.readouterr()
    assert "clear" in captured.out.lower()
    assert captured.err == ""


def test_a_poisoned_table_is_status_1_and_names_the_pair(tables: Tables, capsys: Captured) -> None:
    assert main(["audit", str(tables["poisoned"]), "--reference", str(tables["reference"])]) == 1
    out = capsys.readouterr().out
    assert "smoker" in out
    assert "urban" in out


def test_the_statuses_reach_the_shell(tables: Tables, program: Callable[..., CompletedProcess[str]]) -> None:
    reference = ("--reference", str(tables["reference"]), "--quiet")
    assert main(["audit", str(tables["clean"]), *reference]) == 0
    results = [program("audit", tables["poisoned"], *reference)]
    results.append(program("audit", tables["clean"], "--checks", "CZ201", "-q"))
    assert [done.returncode for done in results] == [1, 3]
    assert [(done.stdout, done.stderr) for done in results] == [("", "")] * 2


def test_json_on_standard_output_is_alone_there(tables: Tables, capsys: Captured) -> None:
    assert (
        main(["audit", str(tables["poisoned"]), "--reference", str(tables["reference"]), "--json", "-"]) == 1
    )
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "flagged"
    assert set(document["culprits"][0]["features"]) == {"smoker", "urban"}


def test_files_are_written_and_named(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    page, data = tmp_path / "a b.html", tmp_path / "audit.json"
    options = ["--reference", str(tables["reference"]), "--html", str(page), "--json", str(data)]
    assert main(["audit", str(tables["clean"]), *options]) == 0
    assert json.loads(data.read_text(encoding="utf-8"))["verdict"] == "clear"
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a b.html", "audit.json"]
    captured = capsys.readouterr()
    assert captured.err == f"credenza: wrote {page}\ncredenza: wrote {data}\n"
    assert captured.out


def test_quiet_prints_nothing(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    options = ["--reference", str(tables["reference"]), "--html", str(tmp_path / "x.html"), "--quiet"]
    assert main(["audit", str(tables["clean"]), *options]) == 0
    assert capsys.readouterr() == ("", "")


def test_without_a_reference_it_says_so_and_is_status_0(tables: Tables, capsys: Captured) -> None:
    assert main(["audit", str(tables["poisoned"])]) == 0
    assert "inconclusive" in capsys.readouterr().out.lower()


def test_an_asked_check_that_cannot_run_is_status_3(tables: Tables, capsys: Captured) -> None:
    assert main(["audit", str(tables["clean"]), "--checks", "cz201", "--quiet"]) == 3
    assert main(["audit", str(tables["clean"]), "--checks", "CZ201", "--json", "-"]) == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out)["verdict"] == "inconclusive"
    assert captured.err.startswith("credenza: not checked: CZ201 not applicable: ")


def test_options_reach_the_audit(tables: Tables, capsys: Captured) -> None:
    options = ["--columns", "smoker,urban", "--columns", "age", "--fdr", "0.01", "--min-strength", "0.2"]
    options += ["--correction", "by", "--seed", "7", "--checks", "CZ101,cz201", "--json", "-"]
    assert main(["audit", str(tables["poisoned"]), "--reference", str(tables["reference"]), *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {item["name"] for item in document["features"] if not item["skipped"]} == {
        "smoker",
        "urban",
        "age",
    }
    settings = document["settings"]
    assert (settings["fdr"], settings["min_strength"], settings["seed"]) == (0.01, 0.2, 7)
    assert settings["correction"] == "by"
    ran = {item["code"] for item in document["outcomes"] if item["status"] in ("clear", "flagged")}
    assert ran == {"CZ101", "CZ201"}


def test_slices_name_the_contributor(tmp_path: Path, tables: Tables, capsys: Captured) -> None:
    table = pq.read_table(tables["clean"])
    clinic = pa.array(
        [
            "A" if touched else name
            for touched, name in zip(moved(tables), table["clinic"].to_pylist(), strict=True)
        ]
    )
    bad = pq.read_table(tables["poisoned"]).set_column(table.column_names.index("clinic"), "clinic", clinic)
    pq.write_table(bad, tmp_path / "bad.parquet")
    assert main(["audit", str(tmp_path / "bad.parquet"), "--slices", "clinic"]) == 1
    out = capsys.readouterr().out
    assert "CZ202" in out
    assert "smoker" in out


def moved(tables: Tables) -> list[bool]:
    before, after = (pq.read_table(tables[name])["urban"].to_pylist() for name in ("clean", "poisoned"))
    return [old != new for old, new in zip(before, after, strict=True)]


@pytest.mark.parametrize(("expect", "status"), [("positive", 0), ("negative", 1)])
def test_a_policy_is_checked(
    expect: str, status: int, tmp_path: Path, tables: Tables, capsys: Captured
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[pair]]\nfeatures = ["smoker", "urban"]\nexpect = "{expect}"\n')
    assert main(["audit", str(tables["poisoned"]), "--policy", str(policy)]) == status
    assert "CZ206" in capsys.readouterr().out


def test_strata_are_looked_at(tables: Tables, capsys: Captured) -> None:
    options = [
        "--reference",
        str(tables["reference"]),
        "--strata",
        "active",
        "--strata",
        "region",
        "--json",
        "-",
    ]
    assert main(["audit", str(tables["poisoned"]), *options]) == 1
    outcomes = {item["code"]: item for item in json.loads(capsys.readouterr().out)["outcomes"]}
    assert outcomes["CZ204"]["status"] in ("clear", "flagged")


def test_without_a_reference_strata_cannot_be_compared(tables: Tables) -> None:
    assert main(["audit", str(tables["clean"]), "--strata", "region", "-q"]) == 3


@pytest.mark.parametrize(
    "threes", [["--triples", "smoker,urban", "--triples", "region"], ["--triples", "all"]]
)
def test_triples_are_looked_at(threes: list[str], tables: Tables, capsys: Captured) -> None:
    options = ["--reference", str(tables["reference"]), *threes, "--checks", "CZ301", "--json", "-"]
    assert main(["audit", str(tables["clean"]), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    (outcome,) = told["outcomes"]
    assert outcome["status"] == "clear"
    assert (outcome["details"]["triples"] == 1) == (threes[-1] != "all")
    assert told["settings"]["triples"] == ("all" if threes[-1] == "all" else ["smoker", "urban", "region"])


def test_without_a_reference_triples_cannot_be_compared(tables: Tables) -> None:
    assert main(["audit", str(tables["clean"]), "--triples", "all", "-q"]) == 3


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise on Windows")
def test_a_summary_that_nobody_reads_is_no_alarm(tables: Tables) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        command = [sys.executable, "-m", "credenza", "audit", str(tables["clean"])]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_notice_is_status_1_only_when_asked(tmp_path: Path, tables: Tables) -> None:
    table = pq.read_table(tables["clean"])
    older = pa.array([age + 8 for age in table["age"].to_pylist()])
    pq.write_table(
        table.set_column(table.column_names.index("age"), "age", older), tmp_path / "drift.parquet"
    )
    options = [str(tmp_path / "drift.parquet"), "--reference", str(tables["reference"]), "--quiet"]
    options += ["--checks", "CZ101"]
    assert main(["audit", *options]) == 0
    assert main(["audit", *options, "--fail-on", "notice"]) == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--json", "absent/x.json"], "--json: the folder 'absent' does not exist; make it first"),
        (["--html", "."], "--html names a folder: found '.'; give the path of a file"),
        (["--columns", ","], "--columns has an empty name: found ','; give names such as A,B"),
    ],
)
def test_wrong_options_stop_before_the_work(arguments: list[str], line: str, capsys: Captured) -> None:
    assert main(["audit", "absent.parquet", *arguments]) == 2
    assert capsys.readouterr().err == f"credenza: error: {line}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--columns", "smokr,urban"],
        ["--checks", "CZ999"],
        ["--fdr", "2"],
        ["--slices", "nobody"],
        ["--strata", "nobody"],
        ["--triples", "smoker,urban"],
        ["--triples", "smoker,urban,nobody"],
    ],
)
def test_wrong_values_are_one_line(arguments: list[str], tables: Tables, capsys: Captured) -> None:
    assert main(["audit", str(tables["clean"]), "--reference", str(tables["reference"]), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("credenza: error: ")
    assert captured.err.count("\n") == 1


def test_the_suspect_is_not_overwritten(tables: Tables, capsys: Captured) -> None:
    path = str(tables["clean"])
    before = tables["clean"].read_bytes()
    assert main(["audit", path, "--json", path]) == 2
    assert "would overwrite an input" in capsys.readouterr().err
    assert tables["clean"].read_bytes() == before


def test_rows_are_scored_and_the_edited_ones_higher(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    options = ["--reference", str(tables["reference"]), "--rows", str(out), "--quiet"]
    assert main(["audit", str(tables["poisoned"]), *options]) == 1
    rows, data = pq.read_table(out), pq.read_table(tables["poisoned"])
    over = [a == b for a, b in zip(data["smoker"].to_pylist(), data["urban"].to_pylist(), strict=True)]
    score = rows["score"].to_numpy()
    assert rows.column_names == ["row", "weight", "score"]
    assert score[over].min() > 0
    assert score[[not x for x in over]].max() == 0


def test_rows_without_the_pair_check_are_refused(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "rows.parquet"
    assert main(["audit", str(tables["clean"]), "--rows", str(out)]) == 2
    assert "row scores come from CZ201, which did not run" in capsys.readouterr().err
    assert not out.exists()


def test_rows_in_an_unknown_format_are_refused_before_work(
    tables: Tables, tmp_path: Path, capsys: Captured
) -> None:
    suspect = str(tables["clean"])
    assert main(["audit", suspect, "--reference", suspect, "--rows", str(tmp_path / "rows.xyz")]) == 2
    line = f"cannot write {tmp_path / 'rows.xyz'}: unknown format '.xyz'; use .parquet, .csv, .tsv, .jsonl, "
    assert capsys.readouterr().err == f"credenza: error: {line}.arrow, .csv.gz or .jsonl.gz\n"


def test_the_engine_is_told(tables: Tables, capsys: Captured) -> None:
    paths = [str(tables["clean"]), "--reference", str(tables["reference"])]
    assert main(["audit", *paths, "--json", "-", "--engine", "local"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["engine"] == "local"


def test_an_unknown_engine_is_refused(tables: Tables, capsys: Captured) -> None:
    assert main(["audit", str(tables["clean"]), "--engine", "dask"]) == 2
    assert "'dask' is not one of 'local', 'spark', 'cuda'" in capsys.readouterr().err


def test_all_engines_can_be_chosen() -> None:
    assert tuple(name.value for name in EngineName) == ENGINES


def test_an_engine_that_is_not_there_is_one_line(
    program: Callable[..., CompletedProcess[str]], tables: Tables
) -> None:
    nowhere = os.environ | {"JAVA_HOME": "/nowhere"}
    done = program("audit", tables["clean"], "--engine", "spark", env=nowhere)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("credenza: error: the spark engine needs ")
    assert done.stderr.count("\n") == 1
