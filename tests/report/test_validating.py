"""A validation as a whole: clean batches pass, each fault is an alarm, bad input is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import credenza
from credenza.contracts import Culprit, Outcome, Severity, Verdict
from credenza.errors import CredenzaError, InputError, UsageError
from credenza.report.validating import CHECKS, validate, weakened

ROWS = 800


def rows_of(n: int, seed: int) -> pa.Table:
    """Mixed columns that hang together, and a label that they tell."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    urban = rng.random(n) < 0.45
    city = np.where(urban, rng.choice(["B", "M"], n), rng.choice(["K", "L"], n))
    age, weight = 45 + 9 * rng.normal(size=n) + 5 * hidden, 70 + 9 * rng.normal(size=n) + 4 * hidden
    ill = (age - 45) / 10 + (weight - 70) / 10 + 0.4 * rng.normal(size=n) > 0.8
    return pa.table(
        {
            "smoker": hidden + rng.normal(size=n) > 0.4,
            "urban": urban,
            "city": city.tolist(),
            "age": np.round(age),
            "weight": weight,
            "income": 30 + 8 * rng.normal(size=n),
            "ill": np.where(ill, "yes", "no").tolist(),
        }
    )


@pytest.fixture(scope="module")
def reference() -> pa.Table:
    return rows_of(2_000, 1)


@pytest.fixture(scope="module")
def batch() -> pa.Table:
    return rows_of(ROWS, 2)


def raised(found: credenza.Audit) -> set[str]:
    return {f.code for o in found.outcomes for f in o.findings if f.severity is Severity.ALARM}


def outcome(found: credenza.Audit, code: str) -> Outcome:
    return next(o for o in found.outcomes if o.code == code)


def put(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def test_clean_batches_pass(reference: pa.Table) -> None:
    for seed in (3, 4):
        found = credenza.validate(rows_of(ROWS, seed), reference, labels="ill", seed=seed)
        assert found.verdict is Verdict.CLEAR, [f.message for o in found.outcomes for f in o.findings]
        assert tuple(o.code for o in found.outcomes) == CHECKS
        assert found.exit_status() == 0


def repeating(batch: pa.Table, reference: pa.Table) -> pa.Table:
    return pa.concat_tables([batch[:-64], batch[:64]])


def copying(batch: pa.Table, reference: pa.Table) -> pa.Table:
    return pa.concat_tables([batch[:-24], reference[:24]])


def nearly_copying(batch: pa.Table, reference: pa.Table) -> pa.Table:
    rows = reference[:32]
    rows = put(rows, "weight", rows["weight"].to_numpy() + 0.01)
    return pa.concat_tables([batch[:-32], put(rows, "ill", ["yes", "no"] * 16)])


def shifted(batch: pa.Table, reference: pa.Table) -> pa.Table:
    sick = rows_of(2_000, 9)
    sick = sick.filter(pa.array(np.array(sick["ill"].to_pylist()) == "yes"))
    return pa.concat_tables([batch[:600], sick[:200]])


def unheard_of(batch: pa.Table, reference: pa.Table) -> pa.Table:
    return put(batch, "city", ["Z"] * 30 + batch["city"].to_pylist()[30:])


def never_together(batch: pa.Table, reference: pa.Table) -> pa.Table:
    return put(batch, "city", ["K"] * 100 + batch["city"].to_pylist()[100:])


def mislabelled(batch: pa.Table, reference: pa.Table) -> pa.Table:
    swapped = {"yes": "no", "no": "yes"}
    labels = batch["ill"].to_pylist()
    return put(batch, "ill", [swapped[v] if i % 8 == 0 else v for i, v in enumerate(labels)])


def associated(batch: pa.Table, reference: pa.Table) -> pa.Table:
    a, b = (batch[name].to_numpy(zero_copy_only=False).copy() for name in ("smoker", "urban"))
    up, down = np.flatnonzero(a & ~b)[:56], np.flatnonzero(~a & b)[:56]
    for i, j in zip(up.tolist(), down.tolist(), strict=True):
        a[i], a[j] = a[j], a[i]
    return put(batch, "smoker", a)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (repeating, "CZ602", "rows repeat an earlier row of the batch (8.0%), where 0.0% would be ordinary"),
        (copying, "CZ602", "24 of 800 rows are rows of the reference (3.0%), where 0.0% would be ordinary"),
        (nearly_copying, "CZ602", "rows are nearly a row of the reference ("),
        (shifted, "CZ601", "the label ill: "),
        (unheard_of, "CZ603", "rows have a value that the reference does not have ("),
        (never_together, "CZ603", "rows combine levels that never meet in the reference ("),
        (
            mislabelled,
            "CZ604",
            "labels disagree with a classifier of the reference, where its own labels would ",
        ),
        (associated, "CZ201", ""),
    ],
)
def test_each_fault_is_an_alarm(
    fault: Callable[[pa.Table, pa.Table], pa.Table],
    code: str,
    words: str,
    batch: pa.Table,
    reference: pa.Table,
) -> None:
    found = validate(fault(batch, reference), reference, labels="ill", checks=[code])
    assert found.verdict is Verdict.FLAGGED
    assert raised(found) == {code}
    assert words in outcome(found, code).findings[0].message
    assert found.exit_status() == 1


def test_thresholds_let_faults_pass(batch: pa.Table, reference: pa.Table) -> None:
    kept = {"labels": "ill", "checks": ("CZ601", "CZ602", "CZ604")}
    assert not raised(validate(repeating(batch, reference), reference, duplicates=0.09, **kept))
    assert not raised(validate(copying(batch, reference), reference, copies=0.06, **kept))
    assert not raised(validate(mislabelled(batch, reference), reference, wrong_labels=0.3, **kept))
    found = validate(shifted(batch, reference), reference, tolerance=0.3, **kept)
    assert not raised(found)
    assert outcome(found, "CZ601").findings[0].severity is Severity.NOTICE
    assert found.exit_status("notice") == 1


def test_rows_have_scores(batch: pa.Table, reference: pa.Table) -> None:
    found = validate(copying(batch, reference), reference, labels="ill")
    table = found.rows
    assert table.column_names == ["row", "CZ602", "CZ603", "CZ604"]
    assert table["CZ602"].to_pylist()[-24:] == [1.0] * 24
    wrong = validate(mislabelled(batch, reference), reference, labels="ill", checks=["CZ604"]).rows
    scores = wrong["CZ604"].to_numpy()
    assert scores[::8].mean() > 2 * np.delete(scores, np.arange(0, ROWS, 8)).mean()


def test_settings_are_in_the_result(batch: pa.Table, reference: pa.Table) -> None:
    found = validate(batch, reference, checks=["cz601".upper()], tolerance=0.2, seed=3)
    settings = found.to_dict()["settings"]
    assert (settings["tolerance"], settings["seed"], settings["checks"]) == (0.2, 3, ["CZ601"])
    assert settings["fdr"] == pytest.approx(0.01)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "</html>" in found.to_html()


def test_without_labels_their_check_does_not_apply(batch: pa.Table, reference: pa.Table) -> None:
    found = validate(batch, reference, checks=["CZ604"])
    assert outcome(found, "CZ604").reason == (
        "needs a column of its class labels (credenza validate --labels)"
    )


def test_labels_that_content_does_not_tell_are_skipped(batch: pa.Table, reference: pa.Table) -> None:
    found = validate(
        batch, reference, labels="urban", columns=["weight", "income", "urban"], checks=["CZ604"]
    )
    assert "labels cannot be judged by it" in outcome(found, "CZ604").reason
    few = put(reference, "ill", ["yes"] * 10 + ["no"] * 1_990)
    assert outcome(validate(batch, few, labels="ill", checks=["CZ604"]), "CZ604").reason == (
        "fewer than two classes have 20 rows or more in the reference: give more rows"
    )
    other = put(batch, "ill", ["maybe"] * ROWS)
    assert outcome(validate(other, reference, labels="ill", checks=["CZ604"]), "CZ604").reason == (
        "no row of the batch has a label of the reference"
    )


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda b, r: (b, r[:49], {}), InputError, "has 49 rows; 50 or more are needed"),
        (
            lambda b, r: (b.drop_columns(["age"]), r, {}),
            InputError,
            "has other columns than the reference: it lacks 'age'; make them the same, or name those that both have",
        ),
        (
            lambda b, r: (b.append_column("parent", b["age"]), r, {}),
            InputError,
            "has other columns than the reference: it adds 'parent'; make them the same",
        ),
        (
            lambda b, r: (b, r, {"columns": ["age", "size"]}),
            InputError,
            "neither the batch nor the reference has a column 'size'; the reference has 'smoker', 'urban', 'city', ",
        ),
        (
            lambda b, r: (b, r, {"labels": "kind"}),
            InputError,
            "neither the batch nor the reference has a column 'kind'; the reference has ",
        ),
        (
            lambda b, r: (b, r, {"labels": "ill", "text": "ill"}),
            UsageError,
            "--labels and --text both name 'ill'; give the texts a column of their own",
        ),
        (
            lambda b, r: (
                put(b, "city", ["hello"] * b.num_rows),
                put(r, "city", ["hello"] * r.num_rows),
                {"text": "city"},
            ),
            InputError,
            "the texts in 'city' cannot be compared: no word occurs in 0.01 to 0.99 of the 2,000 texts",
        ),
        (
            lambda b, r: (b.append_column("x", b["age"]), r, {"columns": ["age", "x"]}),
            InputError,
            "has other columns than the reference: it has 'x', which the reference lacks; make them the same",
        ),
        (
            lambda b, r: (b, r, {"checks": ["CZ101"]}),
            UsageError,
            "'CZ101' is no check of synthetic batches: there",
        ),
        (
            lambda b, r: (b, r, {"text": "age"}),
            InputError,
            "the text column 'age' is double; name a column of texts",
        ),
        (
            lambda b, r: (b, None, {}),
            UsageError,
            "a batch is compared with the reference's rows, found a profile",
        ),
        (lambda b, r: (b, credenza.profile(r), {}), UsageError, "found a profile: give the rows"),
        (
            lambda b, r: (b, r, {"tolerance": 2.0}),
            UsageError,
            "tolerance is 2.0: give a share above 0 and below 1",
        ),
    ],
)
def test_bad_input_is_one_line(
    change: Callable[..., tuple[object, object, dict[str, object]]],
    kind: type[CredenzaError],
    message: str,
    batch: pa.Table,
    reference: pa.Table,
) -> None:
    own, known, options = change(batch, reference)
    with pytest.raises(kind) as caught:
        validate(own, known, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lost_associations_may_be_notices(batch: pa.Table, reference: pa.Table) -> None:
    rng = np.random.default_rng(5)
    lost = put(batch, "age", rng.permutation(batch["age"].to_numpy()))
    kept = {"checks": ["CZ201"]}
    assert raised(validate(lost, reference, **kept)) == {"CZ201"}
    found = validate(lost, reference, lossy=True, **kept)
    assert raised(found) == set()
    assert outcome(found, "CZ201").reason.endswith("culprits are only weaker than in the reference")
    assert raised(validate(associated(batch, reference), reference, lossy=True, **kept)) == {"CZ201"}


@pytest.mark.parametrize(
    ("mcc", "weaker"),
    [
        ((0.3, 0.1), True),
        ((0.3, -0.05), True),
        ((0.3, -0.2), False),
        ((-0.3, -0.4), False),
        ((-0.3, -0.1), True),
    ],
)
def test_weaker_is_between_none_and_the_reference(mcc: tuple[float, float], weaker: bool) -> None:
    culprit = object.__new__(Culprit)
    object.__setattr__(culprit, "mcc", mcc)
    assert weakened(culprit, 1_000) is weaker


WORDS = {"good": ["fine", "lovely", "bright", "warm"], "bad": ["dull", "awful", "grim", "cold"]}
FILLER = ["plot", "cast", "film", "scene", "music", "story", "actor", "light", "sound", "script"]


def reviews(n: int, seed: int) -> pa.Table:
    """Short reviews by a fixed grammar whose adjectives tell the label."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["good", "bad"], n)
    said = []
    for label in labels:
        parts = [
            f"the {rng.choice(FILLER)} was {rng.choice(WORDS[label])}" for _ in range(rng.integers(4, 9))
        ]
        said.append(" and ".join(parts) + " .")
    return pa.table({"said": said, "mood": labels.tolist()})


def test_texts_are_judged_by_their_words() -> None:
    known, own = reviews(500, 1), reviews(300, 2)
    clean = validate(own, known, labels="mood", text="said")
    assert clean.verdict is Verdict.CLEAR, [f.message for o in clean.outcomes for f in o.findings]
    rng = np.random.default_rng(3)
    babble = [" ".join(rng.permutation(text.split())) for text in own["said"].to_pylist()[:30]]
    odd = put(own, "said", babble + own["said"].to_pylist()[30:])
    found = validate(odd, known, labels="mood", text="said", checks=["CZ603"])
    assert raised(found) == {"CZ603"}
    assert "more surprising than 99% of the reference's texts" in outcome(found, "CZ603").findings[0].message
    copied = [f"  {text.upper()} " for text in known["said"].to_pylist()[:15]]
    repeated = put(own, "said", copied + own["said"].to_pylist()[15:])
    assert raised(validate(repeated, known, labels="mood", text="said", checks=["CZ602"])) == {"CZ602"}


def test_texts_are_judged_by_a_model_that_is_given(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="models are kept with safetensors")
    from credenza.models.text import NGram

    known, own = reviews(300, 1), reviews(200, 2)
    NGram(order=2).fit(reviews(400, 3)["said"].to_pylist()).save(tmp_path / "prose")
    options = {"text": "said", "checks": ["CZ603"], "perplexity_model": tmp_path / "prose"}
    clean = validate(own, known, **options)
    assert clean.result.settings["perplexity_model"]["name"] == "prose"
    assert raised(clean) == set()
    rng = np.random.default_rng(3)
    babble = [" ".join(rng.permutation(text.split())) for text in own["said"].to_pylist()[:30]]
    odd = put(own, "said", babble + own["said"].to_pylist()[30:])
    assert raised(validate(odd, known, **options)) == {"CZ603"}
    with pytest.raises(
        UsageError, match=r"^a perplexity model judges texts: name their column by text \(--text COL"
    ):
        validate(own, known, perplexity_model=tmp_path / "prose")
    with pytest.raises(InputError, match=r"^no folder .*; give the folder of a language model$"):
        validate(own, known, text="said", perplexity_model=tmp_path / "none")


def test_texts_with_gaps_are_refused() -> None:
    known = reviews(60, 1)
    with pytest.raises(
        InputError, match=r"^the text column 'said' has 1 missing values; leave those rows out$"
    ):
        validate(put(known, "said", [None, *known["said"].to_pylist()[1:]]), known, text="said")
    with pytest.raises(
        InputError, match=r"^no column of the batch can be compared \('said': .*name texts by --text$"
    ):
        validate(known, known, columns=["said"])
