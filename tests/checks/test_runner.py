from __future__ import annotations

import pyarrow as pa
import pytest
from checks.tables import evidence

from credenza.checks import REGISTRY, Settings
from credenza.checks.runner import NO_REFERENCE, chosen, missing_need, run_checks
from credenza.contracts import Status
from credenza.errors import UsageError
from credenza.report import profiling as profiles

LABELS = "needs a column of class labels (--labels)"
LABELLED = "images with their classes (a folder of them, or a column; --labels)"
MANIFEST = "needs a signed manifest of the suspect (--manifest)"
BATCH = "needs a synthetic batch (credenza validate)"


def test_nothing_chosen_means_all_that_an_audit_asks() -> None:
    assert chosen(None) == tuple(check for check in REGISTRY if not check.code.startswith(("CZ60", "CZ80")))


def test_chosen_checks_keep_the_registrys_order() -> None:
    assert [check.code for check in chosen(["CZ206", "CZ001", "CZ206"])] == ["CZ001", "CZ206"]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (["CZ0001"], "unknown check 'CZ0001': did you mean CZ001?"),
        (["duplicates"], f"unknown check 'duplicates': there are {', '.join(c.code for c in REGISTRY)}"),
        ([], "no checks were chosen: name at least one, or leave the choice out"),
    ],
)
def test_unknown_checks_are_refused(codes: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(codes)
    assert str(caught.value) == message


def test_what_is_missing_is_the_reason(clean: pa.Table) -> None:
    outcomes, seconds = run_checks(evidence(clean), REGISTRY)
    by_code = {outcome.code: outcome for outcome in outcomes}
    assert {code: o.reason for code, o in by_code.items() if o.status is Status.NOT_APPLICABLE} == {
        "CZ001": "needs a reference (--reference)",
        "CZ003": "needs images, texts, or embeddings of the rows (--embeddings)",
        "CZ004": "needs embeddings that are made here (--embed)",
        "CZ101": "needs a reference (--reference)",
        "CZ201": NO_REFERENCE,
        "CZ202": "needs a column that names each row's provenance (--slices)",
        "CZ204": (
            "needs the reference's rows, not a profile of it (--reference) "
            "and one or more columns to split the rows by (--strata)"
        ),
        "CZ205": "needs embeddings of the rows (--embeddings)",
        "CZ206": "needs a file of declared expectations (--policy)",
        "CZ301": (
            "needs the reference's rows, not a profile of it (--reference) "
            "and features to look at in threes (--triples A,B,C,... or all)"
        ),
        "CZ401": f"{LABELS} and embeddings of the rows (--embeddings)",
        "CZ402": f"{LABELS} and training losses, or embeddings to train on (--losses, --embeddings)",
        "CZ403": f"{LABELS} and embeddings of the rows (--embeddings)",
        "CZ404": f"{LABELS} and embeddings of the rows (--embeddings)",
        "CZ405": f"{LABELS} and embeddings of the rows (--embeddings)",
        "CZ601": BATCH,
        "CZ602": BATCH,
        "CZ603": BATCH,
        "CZ604": f"{BATCH} and a column of its class labels (credenza validate --labels)",
        "CZ501": f"{LABELS} and {LABELLED} and a diffusion model (--model)",
        "CZ502": f"{LABELS} and {LABELLED} and a generator's images (--generated)",
        "CZ503": f"{LABELS} and {LABELLED} and the reference's rows, not a profile of it (--reference)",
        "CZ701": MANIFEST,
        "CZ702": f"{MANIFEST} and the public key that is trusted (--key)",
        "CZ703": MANIFEST,
        "CZ704": "needs a signed manifest as the reference (--reference)",
        "CZ801": "needs predictions of checkpoints (credenza compare)",
        "CZ802": "needs contributors, and trusted test rows (credenza blame)",
    }
    assert by_code["CZ002"].status is Status.CLEAR
    assert list(seconds) == [check.code for check in REGISTRY]
    assert min(seconds.values()) >= 0


def test_a_profile_is_a_reference_without_rows(clean: pa.Table, reference: pa.Table) -> None:
    given = evidence(clean, profiles.profile(reference), strata=("urban",))
    applies = {check.code: not missing_need(check, given) for check in REGISTRY}
    assert applies == {
        "CZ001": True,
        "CZ002": True,
        "CZ003": False,
        "CZ004": False,
        "CZ101": True,
        "CZ201": True,
        "CZ202": False,
        "CZ204": False,
        "CZ205": False,
        "CZ206": False,
        "CZ301": False,
        "CZ401": False,
        "CZ402": False,
        "CZ403": False,
        "CZ404": False,
        "CZ405": False,
        "CZ601": False,
        "CZ602": False,
        "CZ603": False,
        "CZ604": False,
        "CZ501": False,
        "CZ502": False,
        "CZ503": False,
        "CZ701": False,
        "CZ702": False,
        "CZ703": False,
        "CZ704": False,
        "CZ801": False,
        "CZ802": False,
    }


def test_no_reference_says_what_to_give() -> None:
    assert NO_REFERENCE == (
        "without a reference a planted association cannot be told from a true one: "
        "give --reference, or --slices to compare contributors"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fdr": 0.0}, "fdr is 0.0: give a number above 0 and up to 0.5"),
        ({"fdr": 0.6}, "fdr is 0.6: give a number above 0 and up to 0.5"),
        ({"fdr": float("nan")}, "fdr is nan: give a number above 0 and up to 0.5"),
        ({"min_strength": -0.1}, "min_strength is -0.1: give a number from 0 to below 0.5"),
        ({"min_strength": float("nan")}, "min_strength is nan: give a number from 0 to below 0.5"),
        ({"min_strength": 0.5}, "min_strength is 0.5: give a number from 0 to below 0.5"),
        ({"correction": "holm"}, "unknown correction 'holm': use one of bh, by, permutation"),
        ({"seed": -1}, "seed is -1: give a whole number, 0 or more"),
        ({"seed": True}, "seed is True: give a whole number, 0 or more"),
        ({"seed": 1.5}, "seed is 1.5: give a whole number, 0 or more"),
    ],
)
def test_settings_are_checked(values: dict[str, float | str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings(**values)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_every_setting_is_in_the_report() -> None:
    assert Settings(fdr=0.1).to_dict()["fdr"] == 0.1
    assert set(Settings().to_dict()) == set(Settings.__dataclass_fields__)
