from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence

from credenza.checks.policy import PolicyBreach
from credenza.checks.policy_file import Expectation, Policy, read_policy
from credenza.contracts import Severity, Status
from credenza.demo import load
from credenza.errors import InputError


def declared(*expectations: Expectation) -> Policy:
    return Policy(expectations, "policy.toml", "0" * 64)


def expect(
    features: tuple[str, str], kind: str, low: float, high: float, levels: tuple[str, str] | None = None
) -> Expectation:
    return Expectation(features, levels, kind, low, high)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """a and b positive, a and c independent, x and y negative, k a noisy copy of a in words."""
    rng = np.random.default_rng(0)
    n = 3_000
    a = rng.random(n) < 0.5
    x = rng.normal(size=n)
    return pa.table(
        {
            "a": a,
            "b": np.where(rng.random(n) < 0.7, a, rng.random(n) < 0.5),
            "c": rng.random(n) < 0.4,
            "x": x,
            "y": -0.5 * x + rng.normal(size=n),
            "k": np.where(rng.random(n) < 0.6, np.where(a, "red", "blue"), rng.choice(["green", "blue"], n)),
        }
    )


@pytest.mark.parametrize(
    ("expectation", "measure"),
    [
        (expect(("a", "c"), "independent", -0.05, 0.05), "MCC"),
        (expect(("a", "b"), "positive", 0.0, 1.0), "MCC"),
        (expect(("x", "y"), "negative", -1.0, 0.0), "rank correlation"),
        (expect(("x", "y"), "bounds", -0.5, -0.3), "rank correlation"),
        (expect(("a", "x"), "independent", -0.05, 0.05), "rank correlation"),
        (expect(("c", "k"), "independent", -0.05, 0.05), "Cramer's V"),
        (expect(("a", "k"), "bounds", 0.5, 0.9), "Cramer's V"),
        (expect(("a", "k"), "positive", 0.0, 1.0, ("True", "red")), "MCC"),
        (expect(("a", "k"), "negative", -1.0, 0.0, ("False", "red")), "MCC"),
    ],
)
def test_what_is_as_declared_is_clear(
    run: Any, table: pa.Table, expectation: Expectation, measure: str
) -> None:
    outcome = run("CZ206", table, policy=declared(expectation))
    assert outcome.status is Status.CLEAR, outcome.findings
    (pair,) = outcome.details["pairs"]
    assert pair["measure"] == measure
    width = (pair["interval"][1] - pair["interval"][0]) / 2
    assert outcome.reason == f"1 declared pairs are as declared, measured to within {width:.3f}"
    assert width < 0.1


@pytest.mark.parametrize(
    ("expectation", "start"),
    [
        (expect(("a", "b"), "independent", -0.05, 0.05), "a and b: MCC +0."),
        (expect(("a", "b"), "negative", -1.0, 0.0), "a and b: MCC +0."),
        (expect(("x", "y"), "positive", 0.0, 1.0), "x and y: rank correlation -0."),
        (expect(("a", "b"), "bounds", -0.2, 0.3), "a and b: MCC +0."),
        (expect(("a", "k"), "independent", -0.05, 0.05), "a and k: Cramer's V +0."),
        (expect(("a", "k"), "negative", -1.0, 0.0, ("True", "red")), "a (True) and k (red): MCC +0."),
    ],
)
def test_a_breach_is_an_alarm(run: Any, table: pa.Table, expectation: Expectation, start: str) -> None:
    (finding,) = run("CZ206", table, policy=declared(expectation)).findings
    assert finding.severity is Severity.ALARM
    assert finding.subject == expectation.features
    assert finding.message.startswith(start)
    end = f"], declared {expectation.expect} ({expectation.low:+.2f} to {expectation.high:+.2f})"
    assert finding.message.endswith(end)
    assert finding.effect is not None
    assert finding.statistic is not None
    nearest = expectation.high if finding.statistic > expectation.high else expectation.low
    assert finding.effect == pytest.approx(finding.statistic - nearest)


def test_one_breach_among_several(run: Any, table: pa.Table) -> None:
    policy = declared(
        expect(("a", "c"), "independent", -0.05, 0.05),
        expect(("a", "b"), "negative", -1.0, 0.0),
        expect(("x", "y"), "negative", -1.0, 0.0),
    )
    outcome = run("CZ206", table, policy=policy)
    assert [f.subject for f in outcome.findings] == [("a", "b")]
    assert len(outcome.details["pairs"]) == 3


def test_the_interval_covers_the_truth() -> None:
    """The bootstrap's standard error against the spread over fresh samples."""
    values, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a = rng.random(400) < 0.3
        b = np.where(rng.random(400) < 0.4, a, rng.random(400) < 0.3)
        seen = evidence(pa.table({"a": a, "b": b}), policy=declared(expect(("a", "b"), "positive", 0.0, 1.0)))
        (pair,) = PolicyBreach().run(seen).details["pairs"]
        values.append(pair["value"])
        errors.append((pair["interval"][1] - pair["interval"][0]) / 2 / 1.96)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.35)


def test_missing_values_leave_a_binary_pair_binary(run: Any, table: pa.Table) -> None:
    with_gaps = [None if k % 10 == 0 else v for k, v in enumerate(table["a"].to_pylist())]
    gappy = table.set_column(0, "a", pa.array(with_gaps))
    outcome = run("CZ206", gappy, policy=declared(expect(("a", "b"), "positive", 0.0, 1.0)))
    assert outcome.details["pairs"][0]["measure"] == "MCC"
    assert outcome.status is Status.CLEAR


def test_a_pair_that_cannot_be_measured_is_not_clear(run: Any, table: pa.Table) -> None:
    constant = table.set_column(2, "c", pa.array([True] * table.num_rows))
    policy = declared(
        expect(("a", "c"), "independent", -0.05, 0.05), expect(("a", "b"), "positive", 0.0, 1.0)
    )
    outcome = run("CZ206", constant, table, policy=policy)
    assert outcome.status is Status.SKIPPED
    assert outcome.reason.startswith("1 declared pairs are as declared, measured to within 0.0")
    lacking = "could not be measured, a feature never varies where both are present: a and c"
    assert outcome.reason.endswith(f"; {lacking}")
    alone = run("CZ206", constant, table, policy=declared(expect(("a", "c"), "independent", -0.05, 0.05)))
    assert alone.reason == lacking


def test_it_needs_no_reference_and_leaves_the_ladder_alone(table: pa.Table) -> None:
    seen = evidence(table, policy=declared(expect(("a", "b"), "positive", 0.0, 1.0)))
    assert PolicyBreach().run(seen).status is Status.CLEAR
    assert not {"inquiry", "reference_survey", "reference_census"} & set(vars(seen))


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        (
            expect(("a", "nobody"), "positive", 0.0, 1.0),
            "the policy speaks of 'nobody', which is not audited (Arrow table has no such column): "
            "change the policy or the columns",
        ),
        (
            expect(("a", "k"), "positive", 0.0, 1.0, ("True", "pink")),
            "the policy speaks of the level 'pink' of 'k', which has 'blue', 'green', 'red'",
        ),
        (
            expect(("a", "k"), "positive", 0.0, 1.0),
            "the policy expects 'a' and 'k' to be positive, and levels without an order have no sign: "
            'add levels = ["a", "b"], or give bounds',
        ),
    ],
)
def test_a_policy_that_does_not_fit_the_data(
    run: Any, table: pa.Table, expectation: Expectation, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        run("CZ206", table, policy=declared(expectation))
    assert str(caught.value) == message


def test_a_skipped_column_says_why(run: Any, table: pa.Table) -> None:
    constant = table.set_column(2, "c", pa.array([True] * table.num_rows))
    with pytest.raises(InputError, match=r"'c', which is not audited \(constant"):
        run("CZ206", constant, policy=declared(expect(("a", "c"), "positive", 0.0, 1.0)))


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_policy_file_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [[pair]]
        features = ["a", "c"]
        expect = "independent"
        [[pair]]
        features = ["a", "b"]
        expect = "independent"
        tolerance = 0.2
        [[pair]]
        features = ["a", "k"]
        levels = ["True", "red"]
        expect = "positive"
        [[pair]]
        features = ["x", "y"]
        expect = "negative"
        [[pair]]
        features = ["x", "k"]
        bounds = [0, 0.3]
        """,
    )
    policy = read_policy(path)
    assert policy.source == str(path)
    assert len(policy.sha256) == 64
    assert policy.expectations == (
        expect(("a", "c"), "independent", -0.05, 0.05),
        expect(("a", "b"), "independent", -0.2, 0.2),
        expect(("a", "k"), "positive", 0.0, 1.0, ("True", "red")),
        expect(("x", "y"), "negative", -1.0, 0.0),
        expect(("x", "k"), "bounds", 0.0, 0.3),
    )


PAIR = '[[pair]]\nfeatures = ["a", "b"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the policy {path} declares no pair: add a [[pair]] table with features and expect"),
        ("pair = []", "the policy {path} declares no pair: add a [[pair]] table with features and expect"),
        ("pair = [1]", "the policy {path} declares no pair: add a [[pair]] table with features and expect"),
        ("pears = 1", "the policy {path} has an unknown entry 'pears': it holds [[pair]] tables only"),
        (
            PAIR + 'expects = "positive"',
            "{path}, pair 1: unknown key 'expects': use bounds, expect, features, levels, tolerance",
        ),
        (
            '[[pair]]\nexpect = "positive"',
            '{path}, pair 1: features is None: give two names, such as features = ["a", "b"]',
        ),
        (
            PAIR.replace('"a", ', "") + 'expect = "positive"',
            '{path}, pair 1: features is [\'b\']: give two names, such as features = ["a", "b"]',
        ),
        (
            PAIR.replace('"b"', '"a"') + 'expect = "positive"',
            "{path}, pair 1: features names 'a' twice: name two columns",
        ),
        (
            PAIR + 'expect = "positive"\nlevels = "x"',
            '{path}, pair 1: levels is \'x\': give two names, such as levels = ["a", "b"]',
        ),
        (
            PAIR + 'expect = "positive"\nlevels = [1, 2]',
            '{path}, pair 1: levels is [1, 2]: give two names, such as levels = ["a", "b"]',
        ),
        (
            PAIR,
            "{path}, pair 1: expect is None: "
            "use independent, positive or negative, or give bounds = [low, high] instead",
        ),
        (
            PAIR + 'expect = "strong"',
            "{path}, pair 1: expect is 'strong': "
            "use independent, positive or negative, or give bounds = [low, high] instead",
        ),
        (
            PAIR + 'expect = "positive"\nbounds = [0, 1]',
            "{path}, pair 1: expect is 'positive': "
            "use independent, positive or negative, or give bounds = [low, high] instead",
        ),
        (
            PAIR + 'expect = "bounds"',
            "{path}, pair 1: expect is 'bounds': "
            "use independent, positive or negative, or give bounds = [low, high] instead",
        ),
        (
            PAIR + 'expect = "independent"\n' + PAIR + "bounds = [0.5, 0.2]",
            "{path}, pair 2: bounds is [0.5, 0.2]: give [low, high] with -1 <= low <= high <= 1",
        ),
        (
            PAIR + "bounds = [-2, 0]",
            "{path}, pair 1: bounds is [-2, 0]: give [low, high] with -1 <= low <= high <= 1",
        ),
        (
            PAIR + "bounds = 0.5",
            "{path}, pair 1: bounds is 0.5: give [low, high] with -1 <= low <= high <= 1",
        ),
        (
            PAIR + "bounds = [false, true]",
            "{path}, pair 1: bounds is [False, True]: give [low, high] with -1 <= low <= high <= 1",
        ),
        (
            PAIR + "bounds = [nan, 1]",
            "{path}, pair 1: bounds is [nan, 1]: give [low, high] with -1 <= low <= high <= 1",
        ),
        (
            PAIR + 'expect = "independent"\ntolerance = 2',
            "{path}, pair 1: tolerance is 2: give a number from 0 to 1",
        ),
        (
            PAIR + 'expect = "independent"\ntolerance = true',
            "{path}, pair 1: tolerance is True: give a number from 0 to 1",
        ),
        (
            PAIR + 'expect = "positive"\ntolerance = 0.1',
            "{path}, pair 1: tolerance is for expect = 'independent', found 'positive': leave it out",
        ),
    ],
)
def test_every_mistake_in_a_policy_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_policy(path)
    assert str(caught.value) == message.format(path=path)


def test_not_toml_is_said_with_the_place(tmp_path: Path) -> None:
    path = written(tmp_path, "[[pair]\n")
    with pytest.raises(InputError) as caught:
        read_policy(path)
    assert str(caught.value).startswith(f"the policy {path} is not TOML: ")
    assert "line 1" in str(caught.value)
    assert "\n" not in str(caught.value)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not TOML"):
        read_policy(path)


def test_no_policy_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_policy(tmp_path / "absent.toml")
    assert (
        str(caught.value) == f"cannot read the policy {tmp_path / 'absent.toml'}: No such file or directory"
    )
    with pytest.raises(InputError, match=r"cannot read the policy .*: "):
        read_policy(tmp_path)


def test_the_example_in_the_documentation_holds_for_the_demo_table(run: Any, tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "policy.md"
    if not page.exists():
        pytest.skip("docs/ is not part of this checkout")
    (block,) = re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    outcome = run("CZ206", load(), policy=read_policy(written(tmp_path, block)))
    assert outcome.status is Status.CLEAR
    assert [pair["measure"] for pair in outcome.details["pairs"]] == ["MCC", "MCC", "rank correlation"]
