"""A disk that fills while results are written: one line, status 2, and nothing left behind."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A folder of files that cannot be written to."""
    for name in ("a.json", "a.html", "a.parquet", "a.czp"):
        (tmp_path / name).symlink_to("/dev/full")
    return tmp_path


@pytest.mark.parametrize(
    ("option", "name"), [("--json", "a.json"), ("--html", "a.html"), ("--rows", "a.parquet")]
)
def test_results_of_an_audit(
    option: str, name: str, full: Path, tables: dict[str, Path], capsys: Captured
) -> None:
    before = sorted(full.iterdir())
    paths = [str(tables["clean"]), "--reference", str(tables["reference"])]
    assert main(["audit", *paths, option, str(full / name)]) == 2
    out, error = capsys.readouterr()
    line = f"cannot write {full / name}: no space left on device; make room, or give another path"
    assert (out, error) == ("", f"credenza: error: {line}\n")
    assert sorted(full.iterdir()) == before


def test_a_profile(full: Path, tables: dict[str, Path], capsys: Captured) -> None:
    assert main(["profile", str(tables["clean"]), "--out", str(full / "a.czp")]) == 2
    assert re.fullmatch(
        r"credenza: error: cannot write .*a\.czp: no space left on .*\n", capsys.readouterr().err
    )


def test_a_device_is_not_replaced(tables: dict[str, Path], tmp_path: Path, capsys: Captured) -> None:
    """The JSON goes to a device, which is written to and not replaced."""
    paths = [str(tables["clean"]), "--reference", str(tables["reference"])]
    assert main(["audit", *paths, "--json", "/dev/null", "--html", str(tmp_path / "a.html")]) == 0
    assert not Path("/dev/null").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    assert capsys.readouterr().err == f"credenza: wrote {tmp_path / 'a.html'}\ncredenza: wrote /dev/null\n"
