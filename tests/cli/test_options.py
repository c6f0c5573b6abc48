from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.cli.options import check_outputs, say, split_names, split_pair
from credenza.errors import UsageError

NAMES = st.lists(
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1), min_size=1
)


def quoted(names: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow(names)
    return text.getvalue()


@given(NAMES)
def test_any_name_can_be_given_in_quotes(names: list[str]) -> None:
    assert split_names("--columns", [quoted(names)]) == tuple(names)
    assert split_names("--columns", [quoted([name]) for name in names]) == tuple(names)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["a,b"], ("a", "b")),
        (["a, b"], ("a", "b")),
        (["a", "b,c"], ("a", "b", "c")),
        (['"x, y",z'], ("x, y", "z")),
        (["two words"], ("two words",)),
    ],
)
def test_lists_of_names(values: list[str], names: tuple[str, ...]) -> None:
    assert split_names("--columns", values) == names


@pytest.mark.parametrize("values", [None, []])
def test_nothing_given_is_none(values: list[str] | None) -> None:
    assert split_names("--columns", values) is None


@pytest.mark.parametrize("value", ["", "a,", ",a", "a,,b"])
def test_an_empty_name_is_refused(value: str) -> None:
    message = f"--columns has an empty name: found {value!r}; give names such as A,B"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        split_names("--columns", [value])


@pytest.mark.parametrize("value", ["a", "a,b,c"])
def test_a_pair_has_two_names(value: str) -> None:
    message = (
        f"--pair takes two names with a comma between: found {value!r}; "
        "put a name that holds a comma in double quotes, as in '\"last, first\",age'"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        split_pair("--pair", value)


def test_outputs_that_can_be_written_pass(tmp_path: Path) -> None:
    check_outputs(
        {"--json": "-", "--html": None, "--out": str(tmp_path / "x.html")}, [str(tmp_path / "y"), None]
    )


def test_an_absent_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "absent"
    message = f"--html: the folder {str(folder)!r} does not exist; make it first"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        check_outputs({"--html": str(folder / "x.html")})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    message = f"--json names a folder: found {str(tmp_path)!r}; give the path of a file"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        check_outputs({"--json": str(tmp_path)})


def test_an_input_is_not_overwritten(tmp_path: Path) -> None:
    given_path = str(tmp_path / "." / "a.csv")
    message = f"--out would overwrite an input: found {given_path!r}; give another path"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        check_outputs({"--out": given_path}, [str(tmp_path / "a.csv")])


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    message = f"--key would overwrite the file of --out: found {path!r}; give another path"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        check_outputs({"--out": path, "--key": path})


def test_messages_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("wrote x")
    say("not this", quiet=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "credenza: wrote x\n"
