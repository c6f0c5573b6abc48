"""CZ704: an audit against a signed manifest, of all rows or of those that were added."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.checks.signed_reference import NO_KEY
from credenza.contracts import Outcome, Status, Verdict
from credenza.errors import InputError, UsageError
from credenza.provenance.keys import generate_keys, load_private
from credenza.provenance.sign import sign
from credenza.report import Audit, audit, profile


def world(rows: int, seed: int, *, strength: float = 0.0) -> pa.Table:
    """Four binary columns; two of them go together by ``strength``."""
    rng = np.random.default_rng(seed)
    bits = rng.random((rows, 4)) < 0.5
    both = rng.random(rows) < 4 * strength
    bits[both, 1] = bits[both, 0]
    return pa.table({name: bits[:, k] for k, name in enumerate("abcd")})


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys and with what was signed of 9,000 rows that are not there any more."""
    folder = tmp_path_factory.mktemp("october")
    for name in ("mine", "other"):
        generate_keys(folder / name)
    pq.write_table(world(9_000, 1), folder / "t.parquet")
    made = sign(
        folder / "t.parquet", load_private(folder / "mine.key"), profile=profile(folder / "t.parquet")
    )
    shutil.move(made.home, folder / "signed")
    (folder / "t.parquet").unlink()
    return folder


def grown(strength: float = 0.0, rows: int = 1_000) -> pa.Table:
    return pa.concat_tables([world(9_000, 1), world(rows, 2, strength=strength)])


def run(suspect: object, october: Path, *, key: str | None = "mine", added_only: bool = True) -> Audit:
    public = None if key is None else october / f"{key}.pub"
    return audit(suspect, october / "signed", key=public, added_only=added_only)


def outcome(found: Audit, code: str = "CZ704") -> Outcome:
    return next(o for o in found.outcomes if o.code == code)


def test_added_rows_are_audited_against_the_signed_profile(october: Path) -> None:
    found = run(grown(), october)
    assert found.verdict is Verdict.CLEAR
    assert outcome(found).status is Status.CLEAR
    assert outcome(found).reason.startswith(
        "9,000 rows as signed; audited are the other 1,000, from row 9,000 on; signed with the key "
    )
    assert outcome(found).details["spans"] == [[9_000, 10_000]]
    suspect, reference = found.result.inputs
    assert (suspect.rows, reference.rows, reference.kind) == (1_000, 9_000, "profile")
    assert found.result.settings["added_only"] is True


def test_a_shift_in_the_added_rows_is_diluted_in_the_whole(october: Path) -> None:
    table = grown(strength=0.06)
    assert run(table, october).result.culprits[0].features == ("a", "b")
    assert run(table, october, added_only=False).verdict is Verdict.CLEAR


def test_signed_rows_that_changed_are_an_alarm(october: Path) -> None:
    table = grown()
    bits = table["d"].to_numpy().copy()
    bits[4_096] = not bits[4_096]
    found = run(table.set_column(3, "d", pa.array(bits)), october)
    assert found.verdict is Verdict.FLAGGED
    (finding,) = outcome(found).findings
    assert (
        "of 9,000 signed rows 4,096 are in chunks that changed, the first change in row 4,096"
        in finding.message
    )
    assert outcome(found, "CZ001").details["suspect_rows"] == 4_096 + 1_000


def test_without_added_rows_only_signatures_are_checked(october: Path) -> None:
    found = run(world(9_000, 1), october)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert outcome(found).reason.startswith("9,000 rows as signed, none added; signed with the key ")
    pairs = outcome(found, "CZ201")
    assert (pairs.status, pairs.reason) == (Status.SKIPPED, "no row was added to those that were signed")
    found.to_json()
    found.to_html()


def test_without_a_key_it_says_that_nobody_vouches(october: Path) -> None:
    plain = outcome(run(grown(), october, key=None, added_only=False))
    assert (plain.status, plain.reason) == (Status.NOT_APPLICABLE, NO_KEY)
    told = outcome(run(grown(), october, key=None))
    assert told.status is Status.CLEAR
    assert told.reason.endswith(NO_KEY)
    vouched = outcome(run(grown(), october, added_only=False))
    assert vouched.reason.startswith("signed with the key ")


def test_another_key_and_wrong_use_are_one_line(october: Path) -> None:
    with pytest.raises(InputError, match=r"^the reference is not vouched for: .*signed with another key"):
        run(grown(), october, key="other")
    table = world(50, 1)
    for reference, told in ((None, "none was given"), (table, "found data"), ("x.csv", "found x.csv")):
        with pytest.raises(
            UsageError, match=f"^which rows were added shows against a signed manifest, and {told}: give "
        ):
            audit(table, reference, added_only=True)
    with pytest.raises(UsageError, match=r"^a key was given without the manifest that it signed"):
        audit(table, table, key=october / "mine.pub")
