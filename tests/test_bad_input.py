"""Bad input, through the function and through the command line: one line, exit status 2, nothing half-written.

Where a finding is the right answer (other columns, new values), it is a finding.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from small_tables import good, text, written

import credenza
from credenza import profile
from credenza.cli import main
from credenza.contracts import Severity, Status, Verdict
from credenza.errors import CredenzaError, InputError, UsageError

Captured = pytest.CaptureFixture[str]


def missing_file(folder: Path) -> Path:
    return folder / "absent.parquet"


def empty_file(folder: Path) -> Path:
    return text("", folder / "empty.csv")


def zero_rows(folder: Path) -> Path:
    return written(good().slice(0, 0), folder / "none.parquet")


def header_only(folder: Path) -> Path:
    return text("smoker,urban\n", folder / "header.csv")


def one_row(folder: Path) -> Path:
    return written(good(1), folder / "one.parquet")


def one_column(folder: Path) -> Path:
    return written(good().select(["urban"]), folder / "narrow.parquet")


def all_constant(folder: Path) -> Path:
    return written(pa.table({"a": [1] * 50, "b": ["x"] * 50}), folder / "constant.parquet")


def all_missing(folder: Path) -> Path:
    nothing = pa.array([None] * 50, pa.float64())
    return written(pa.table({"a": nothing, "b": nothing}), folder / "missing.parquet")


def duplicate_names(folder: Path) -> Path:
    return text("a,b,a\n" + "1,2,3\n2,1,3\n" * 30, folder / "twice.csv")


def not_utf8(folder: Path) -> Path:
    return text(b"a,b\xe9\n" + b"1,2\n2,1\n" * 30, folder / "latin.csv")


def truncated(folder: Path) -> Path:
    path = written(good(), folder / "cut.parquet")
    path.write_bytes(path.read_bytes()[:-200])
    return path


def mixed_schemas(folder: Path) -> Path:
    mixed = folder / "mixed"
    mixed.mkdir()
    written(good(), mixed / "a.parquet")
    written(good().rename_columns(["smoker", "town", "region", "age"]), mixed / "b.parquet")
    return mixed


def mixed_formats(folder: Path) -> Path:
    mixed = folder / "formats"
    mixed.mkdir()
    written(good(), mixed / "a.parquet")
    text("a,b\n1,2\n", mixed / "b.csv")
    return mixed


def empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def ragged(folder: Path) -> Path:
    return text("a,b\n" + "1,2\n2,1\n" * 30 + "1,2,3,4\n", folder / "ragged.csv")


def unknown_format(folder: Path) -> Path:
    return text("a b", folder / "table.xls")


BAD: list[tuple[Callable[[Path], Path], tuple[str, ...]]] = [
    (missing_file, ("suspect: no such file or folder: ", "absent.parquet; give the path of a data file")),
    (empty_file, ("empty.csv) is empty (0 bytes); give a file with data",)),
    (zero_rows, ("none.parquet) has no rows; give a table with at least one",)),
    (header_only, ("header.csv) has no rows; give a table with at least one",)),
    (
        one_row,
        (
            "one.parquet has no columns that can be audited ('smoker': constant",
            "at least 2 columns that vary",
        ),
    ),
    (
        one_column,
        ("narrow.parquet has 1 column that can be audited: at least 2 columns that vary are needed",),
    ),
    (all_constant, ("has no columns that can be audited ('a': constant", "; 'b': constant", "at least 2")),
    (
        all_missing,
        (
            "has no columns that can be audited ('a': all 50 values are missing; 'b': all 50 values are missing)",
        ),
    ),
    (duplicate_names, ("twice.csv): column name 'a' comes 2 times; rename the others",)),
    (not_utf8, ("latin.csv) is not UTF-8: byte 0xe9 at offset 3; save it as UTF-8",)),
    (
        truncated,
        ("cut.parquet) is not a readable Parquet file (", "it may be cut short or damaged: write it again"),
    ),
    (
        mixed_schemas,
        ("mixes columns:", "is in b.parquet but not in a.parquet; give files with the same columns"),
    ),
    (mixed_formats, ("mixes formats: a.parquet is parquet, b.csv is csv; keep one",)),
    (empty_folder, ("nothing holds no data files (nothing); give Parquet (.parquet), CSV",)),
    (ragged, ("ragged.csv)", "give")),
    (unknown_format, ("table.xls is not a data format we know; give Parquet (.parquet), CSV",)),
]
IDS = [make.__name__ for make, _ in BAD]


def one_line(error: CredenzaError | str) -> str:
    line = str(error)
    assert "\n" not in line.rstrip("\n")
    assert "Traceback" not in line
    assert len(line) > 20
    return line


@pytest.mark.parametrize(("make", "parts"), BAD, ids=IDS)
def test_the_function_says_what_is_wrong(
    make: Callable[[Path], Path], parts: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        credenza.audit(make(tmp_path))
    line = one_line(caught.value)
    assert [part for part in parts if part not in line] == [], line


@pytest.mark.parametrize(("make", "parts"), BAD, ids=IDS)
def test_the_command_line_says_it_in_one_line(
    make: Callable[[Path], Path], parts: tuple[str, ...], tmp_path: Path, capsys: Captured
) -> None:
    made, out = make(tmp_path), tmp_path / "out"
    out.mkdir()
    options = ["--json", str(out / "audit.json"), "--html", str(out / "audit.html")]
    assert main(["audit", str(made), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("credenza: error: ")
    assert [part for part in parts if part not in captured.err] == [], captured.err
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    "make", [make for make, _ in BAD if make is not one_row], ids=lambda make: make.__name__
)
def test_a_bad_reference_is_refused_too(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        credenza.audit(good(), make(tmp_path))
    line = one_line(caught.value)
    assert "reference" in line


def test_a_process_of_its_own_ends_with_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "credenza", "audit", str(truncated(tmp_path)), "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_a_profile_that_is_not_one(tmp_path: Path, capsys: Captured) -> None:
    suspect = written(good(), tmp_path / "good.parquet")
    fake = text("not a profile", tmp_path / "fake.czp")
    assert main(["audit", str(suspect), "--reference", str(fake)]) == 2
    line = capsys.readouterr().err
    assert f"{fake} is not a profile (" in line
    assert line.endswith("): give a file written by credenza profile\n")
    with pytest.raises(
        InputError, match=r"no profile at .*absent\.czp: give a file written by credenza profile"
    ):
        credenza.audit(good(), tmp_path / "absent.czp")


def test_a_truncated_profile(tmp_path: Path) -> None:
    path = tmp_path / "cut.czp"
    profile(good()).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"cut\.czp is not a profile \("):
        credenza.audit(good(), path)


def test_a_policy_that_is_not_toml(tmp_path: Path, capsys: Captured) -> None:
    suspect = written(good(), tmp_path / "good.parquet")
    policy = text("[[pair]\n", tmp_path / "policy.toml")
    assert main(["audit", str(suspect), "--policy", str(policy)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert f"the policy {policy} is not TOML: " in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--checks", "CZ999"], "unknown check 'CZ999': "),
        (
            ["--columns", "smokr,urban"],
            "--columns names 'smokr', which {} does not have: did you mean 'smoker'?",
        ),
        (
            ["--slices", "clinic"],
            "--slices names 'clinic', which {} does not have: it has 'smoker', 'urban', ",
        ),
        (["--strata", "regions"], "--strata names 'regions', which {} does not have: did you mean 'region'?"),
        (["--fdr", "2"], "fdr is 2.0: give a number above 0 and up to 0.5"),
        (["--min-strength", "-1"], "min_strength is -1.0: give a number from 0 to below 0.5"),
        (
            ["--columns", "urban"],
            "{} has 1 column that can be audited: at least 2 columns that vary are needed",
        ),
    ],
)
def test_wrong_choices_are_one_line(
    arguments: list[str], line: str, tmp_path: Path, capsys: Captured
) -> None:
    suspect = written(good(), tmp_path / "good.parquet")
    assert main(["audit", str(suspect), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("credenza: error: " + line.format(suspect))


def test_text_where_a_list_is_wanted() -> None:
    with pytest.raises(UsageError, match=r"strata is the text 'region': give a list of column names"):
        credenza.audit(good(), good(seed=1), strata="region")


@pytest.mark.parametrize("given", [5, {"a": [1, 2]}, [1, 2, 3], object()])
def test_objects_of_other_kinds(given: Any) -> None:
    with pytest.raises(InputError) as caught:
        credenza.audit(given)
    one_line(caught.value)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_a_handful_of_rows_is_inconclusive_and_status_3(rows: int, tmp_path: Path, capsys: Captured) -> None:
    audit = credenza.audit(good(rows), good(seed=1))
    assert audit.verdict is Verdict.INCONCLUSIVE
    outcome = next(o for o in audit.outcomes if o.code == "CZ201")
    assert outcome.status is Status.SKIPPED
    suspect = written(good(rows), tmp_path / "few.parquet")
    known = written(good(seed=1), tmp_path / "known.parquet")
    assert main(["audit", str(suspect), "--reference", str(known)]) == 3
    captured = capsys.readouterr()
    assert "inconclusive" in captured.out.lower()
    assert "inconclusive" in captured.err
    assert main(["audit", str(suspect), "--reference", str(known), "--checks", "CZ201", "-q"]) == 3


def test_a_reference_with_other_columns_is_a_finding(tmp_path: Path, capsys: Captured) -> None:
    known = good(seed=1).rename_columns(["smoker", "urban", "province", "age"])
    audit = credenza.audit(good(), known)
    (structure,) = (o for o in audit.outcomes if o.code == "CZ001")
    assert [(f.subject, f.severity) for f in structure.findings] == [
        (("province",), Severity.ALARM),
        (("region",), Severity.NOTICE),
    ]
    paths = [str(written(table, tmp_path / f"{k}.parquet")) for k, table in enumerate((good(), known))]
    assert main(["audit", paths[0], "--reference", paths[1]]) == 1
    assert "column 'province' is absent in the suspect" in " ".join(capsys.readouterr().out.split())


def test_no_column_in_common_is_an_error(tmp_path: Path, capsys: Captured) -> None:
    known = good(seed=1).rename_columns(["a", "b", "c", "d"])
    paths = [str(written(table, tmp_path / f"{k}.parquet")) for k, table in enumerate((good(), known))]
    assert main(["audit", paths[0], "--reference", paths[1]]) == 2
    line = capsys.readouterr().err
    assert line == (
        f"credenza: error: {paths[0]} and its reference {paths[1]} share no columns that can be audited "
        "('a': column 'a' is absent in the suspect; 'b': column 'b' is absent in the suspect; "
        "'c': column 'c' is absent in the suspect): at least 2 columns that vary are needed\n"
    )


def test_outputs_of_an_earlier_run_survive_a_failed_one(tmp_path: Path, capsys: Captured) -> None:
    kept = text("earlier", tmp_path / "audit.json")
    assert main(["audit", str(tmp_path / "absent.csv"), "--json", str(kept)]) == 2
    assert kept.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["audit.json"]
    capsys.readouterr()
