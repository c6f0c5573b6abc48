"""CZ701 to CZ703 share one world: a file that was made in two recorded steps, and signed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from credenza.contracts import Severity, Status, Verdict
from credenza.data import write_table
from credenza.errors import InputError, UsageError
from credenza.provenance.keys import generate_keys, load_private
from credenza.provenance.leave import leave_record
from credenza.provenance.sign import sign
from credenza.report import Audit, audit

CODES = ("CZ701", "CZ702", "CZ703")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one table, its log and manifest in the folder "d"; the keys lie beside it."""
    tmp_path = tmp_path_factory.mktemp("world")
    folder = tmp_path / "d"
    folder.mkdir()
    tables = [pa.table({"a": [0, 1, 1, 0] * n, "b": [0, 0, 1, 1] * n}) for n in (5, 6, 7)]
    for name, table in zip(("raw.csv", "mid.csv", "d/out.csv"), tables, strict=True):
        write_table(table, tmp_path / name)
    for action, read, wrote in (("features", "raw.csv", "mid.csv"), ("repair", "mid.csv", "d/out.csv")):
        given = {"data": tmp_path / read, "out": tmp_path / wrote}
        leave_record(tmp_path / "log", action, given, inputs=["data"], outputs=["out"])
    for name in ("mine", "other"):
        generate_keys(tmp_path / name)
    sign(folder, load_private(tmp_path / "mine.key"), lineage=tmp_path / "log")
    return tmp_path


@pytest.fixture
def signed(world: Path, tmp_path: Path) -> Path:
    """A copy of the folder that may be changed, with the keys beside it."""
    return Path(shutil.copytree(world, tmp_path, dirs_exist_ok=True)) / "d"


def run(folder: Path, *, key: str | None = "mine", suspect: Path | None = None) -> Audit:
    public = None if key is None else folder.parent / f"{key}.pub"
    return audit(suspect or folder, manifest=folder, key=public, checks=CODES)


def statuses(found: Audit) -> dict[str, Status]:
    return {outcome.code: outcome.status for outcome in found.outcomes}


def test_data_as_signed_is_clear(signed: Path) -> None:
    for suspect in (signed, signed / "out.csv"):
        found = run(signed, suspect=suspect)
        assert statuses(found) == dict.fromkeys(CODES, Status.CLEAR)
        files, signature, lineage = found.outcomes
        assert files.reason == "1 file of 1 in the manifest as signed"
        assert signature.reason.startswith("signed with the key ")
        assert lineage.reason == "2 records to 1 root: repair, features"
        assert found.verdict is Verdict.INCONCLUSIVE


def test_a_bundle_or_its_folder_will_do(signed: Path) -> None:
    for manifest in (signed / ".credenza", signed / ".credenza" / "manifest.sigstore.json"):
        found = audit(signed, manifest=manifest, key=signed.parent / "mine.pub", checks=CODES)
        assert statuses(found) == dict.fromkeys(CODES, Status.CLEAR)


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("change", "key", "flagged"),
    [
        (lambda d: (d / "out.csv").write_text('"a","b"\n1,0\n0,1\n1,1\n'), "mine", {"CZ701", "CZ703"}),
        (lambda d: (d / "more.csv").write_text('"a","b"\n1,0\n0,1\n'), "mine", {"CZ701"}),
        (lambda d: None, "other", {"CZ702"}),
        (lambda d: (d / ".credenza" / "lineage.jsonl").write_text("x\n"), "mine", {"CZ703"}),
    ],
)
def test_what_is_not_as_signed_is_flagged(change: Change, key: str, flagged: set[str], signed: Path) -> None:
    change(signed)
    found = run(signed, key=key)
    assert {outcome.code for outcome in found.outcomes if outcome.status is Status.FLAGGED} == flagged
    assert found.verdict is Verdict.FLAGGED
    assert all(f.severity is Severity.ALARM for outcome in found.outcomes for f in outcome.findings)


def test_what_is_not_given_is_not_checked(signed: Path) -> None:
    assert statuses(run(signed, key=None))["CZ702"] is Status.NOT_APPLICABLE
    (signed / ".credenza" / "lineage.jsonl").unlink()
    sign(signed, load_private(signed.parent / "mine.key"), replace=True)
    lineage = run(signed).outcomes[-1]
    assert lineage.status is Status.NOT_APPLICABLE
    assert lineage.reason.startswith("no log of how the data was made lies beside the manifest")
    plain = audit(signed, checks=["CZ701"]).outcomes[0]
    assert plain.reason == "needs a signed manifest of the suspect (--manifest)"


def test_wrong_use_is_one_line(signed: Path) -> None:
    table = pa.table({"a": [0, 1, 1, 0], "b": [0, 0, 1, 1]})
    with pytest.raises(
        UsageError, match=r"^a manifest is of a folder or a file: found the suspect .*; give the path"
    ):
        audit(table, manifest=signed)
    with pytest.raises(UsageError, match=r"^a key was given without the manifest that it signed: give both"):
        audit(table, key=signed.parent / "mine.pub")
    with pytest.raises(InputError, match="has no manifest at"):
        audit(signed, manifest=signed.parent, checks=["CZ701"])
