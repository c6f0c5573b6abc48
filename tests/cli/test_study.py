from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from studies.associative.worlds import attribute_rows

from credenza.cli import main

Captured = pytest.CaptureFixture[str]


def test_a_study_prints_its_tables(tmp_path: Path, capsys: Captured) -> None:
    data, out = tmp_path / "rows.parquet", tmp_path / "out"
    pq.write_table(attribute_rows(5_500), data)
    call = ["study", "associative", "--scale", "tiny", "--data", str(data), "--out", str(out)]
    call += ["--only", "tabular/chow-liu/erase"]
    assert main(call) == 0
    printed, told = capsys.readouterr()
    assert printed == (out / "summary.md").read_text(encoding="utf-8")
    assert "4 of 4: tabular/chow-liu/erase/3, MCC" in told
    assert told.endswith(f"credenza: wrote the tables, plots and samples to {out}\n")
    assert main([*call, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main([*call, "--seed", "1"]) == 2
    assert f"{out} holds results of other settings (seed was 0, now 1)" in capsys.readouterr().err


def test_the_chain_prints_its_tables(tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "out"
    call = ["study", "chain", "--scale", "tiny", "--device", "cpu", "--only", "clean", "--out", str(out)]
    assert main(call) == 0
    printed, told = capsys.readouterr()
    assert printed == (out / "summary.md").read_text(encoding="utf-8")
    assert printed.startswith("# The data chain, scale tiny\n\n1 of 3 models are done.")
    assert "1 of 1: clean-scratch-0, success after generation" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["sociative"], "unknown study 'sociative'; choose from associative, chain"),
        (["associative", "--scale", "huge"], "unknown scale 'huge'; choose from tiny, small, paper"),
        (
            ["associative", "--scale", "tiny", "--only", "sound"],
            "no modality 'sound' at scale tiny; choose from tabular",
        ),
        (["associative", "--data", "absent.parquet"], "absent.parquet"),
        (["chain", "--data", "absent.parquet"], "absent.parquet"),
        (["chain", "--network", "net.onnx"], "--network is of the study associative; leave it out"),
        (
            ["chain", "--only", "patch-11"],
            "--only 'patch-11' lets nothing pass at scale small; choose from clean",
        ),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, capsys: Captured, options: list[str], message: str) -> None:
    assert main(["study", *options, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()
