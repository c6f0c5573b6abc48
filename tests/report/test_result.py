from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from credenza.contracts import AuditResult, Verdict
from credenza.errors import UsageError
from credenza.report import Audit


def test_attributes(flagged: AuditResult) -> None:
    weights = np.ones(3)
    audit = Audit(flagged, weights=weights)
    assert audit.verdict is Verdict.FLAGGED
    assert audit.outcomes is flagged.outcomes
    assert audit.result is flagged
    assert audit.weights is weights
    assert isinstance(audit.culprits, pa.Table)
    assert audit.pairs is audit.pairs
    assert (
        repr(audit) == "<Audit flagged: The association of Mouth_Slightly_Open × Wearing_Lipstick was moved.>"
    )


def test_frames_are_of_the_users_kind(flagged: AuditResult, inconclusive: AuditResult) -> None:
    in_pandas = Audit(flagged, frame_like=lambda table: table.to_pandas())
    assert isinstance(in_pandas.culprits, pd.DataFrame)
    assert in_pandas.shifts("Smiling").shape == (39, 14)
    in_polars = Audit(inconclusive, frame_like=pl.from_arrow)
    assert in_polars.pairs.shape == (0, 14)
    assert in_polars.culprits.shape == (0, 25)


def test_json(flagged: AuditResult, tmp_path: Path) -> None:
    audit = Audit(flagged)
    target = tmp_path / "audit.json"
    assert json.loads(audit.to_json()) == audit.to_dict()
    assert audit.to_json(target, indent=None) == target.read_text()
    assert os.listdir(tmp_path) == ["audit.json"]


def test_exit_status(flagged: AuditResult, clear: AuditResult, inconclusive: AuditResult) -> None:
    assert Audit(flagged).exit_status() == 1
    assert Audit(clear).exit_status() == 0
    assert Audit(clear).exit_status("notice") == 1
    assert Audit(inconclusive).exit_status("notice") == 0
    assert Audit(replace(flagged, outcomes=())).exit_status() == 1
    with pytest.raises(UsageError) as caught:
        Audit(clear).exit_status("never")  # type: ignore[arg-type]
    assert str(caught.value) == "fail_on must be 'alarm' or 'notice', found 'never'"


def test_show(flagged: AuditResult, capsys: pytest.CaptureFixture[str]) -> None:
    file = io.StringIO()
    Audit(flagged).show(file)
    assert file.getvalue().startswith("FLAGGED")
    Audit(flagged).show()
    assert capsys.readouterr().out.startswith("FLAGGED")
