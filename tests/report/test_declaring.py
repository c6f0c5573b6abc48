"""Repair to a declared policy: pairs that break it just meet it afterwards, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import credenza
from credenza.contracts import Outcome, Status
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError
from credenza.report.admission import admit, diagnose
from credenza.report.repairing import repair

POLICY = """
[[pair]]
features = ["b", "a"]
expect = "independent"

[[pair]]
features = ["x", "y"]
expect = "positive"

[[pair]]
features = ["k", "a"]
levels = ["red", "True"]
bounds = [0.1, 0.4]

[[pair]]
features = ["c", "a"]
expect = "independent"
"""


def people(rows: int = 4_000) -> pa.Table:
    """b follows a, y goes against x, k is red where a is true; c is nobody's; some y are missing."""
    rng = np.random.default_rng(0)
    a, x = rng.random(rows) < 0.5, rng.normal(size=rows)
    y = -0.4 * x + rng.normal(size=rows)
    words = rng.choice(["green", "blue", "red"], rows)
    return pa.table(
        {
            "a": a,
            "b": np.where(rng.random(rows) < 0.4, a, rng.random(rows) < 0.4),
            "c": rng.random(rows) < 0.4,
            "x": x,
            "y": pa.array(y, mask=rng.random(rows) < 0.03),
            "k": np.where(rng.random(rows) < 0.6, np.where(a, "red", "blue"), words),
            "who": rng.choice(["p", "q"], rows),
        }
    )


BAD = people()


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def audit(policy: Path) -> credenza.Audit:
    return credenza.audit(BAD, policy=policy, checks=["CZ206"])


def breach(found: credenza.Audit | None) -> Outcome:
    assert found is not None
    return next(outcome for outcome in found.outcomes if outcome.code == "CZ206")


def written(folder: Path, text: str) -> Path:
    path = folder / "other.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "given",
    [
        {"method": "resample"},
        {"method": "relabel", "rows": "random"},
        {"method": "relabel", "rows": "random", "strata": "who"},
    ],
)
def test_the_policy_is_kept_afterwards(given: dict[str, Any], audit: credenza.Audit, policy: Path) -> None:
    done = repair(BAD, audit, target="policy", policy=policy, **given)
    assert len(breach(audit).findings) == 3
    assert breach(done.audit).status is Status.CLEAR
    values = {tuple(p["features"]): p["value"] for p in breach(done.audit).details["pairs"]}
    assert 0.03 < values["b", "a"] <= 0.05
    assert 0.0 <= values["x", "y"] < 0.02 or given["method"] == "resample"
    assert 0.38 < values["k", "a"] <= 0.4
    aims = {tuple(pair["features"]): pair for pair in done.summary["policy"]["pairs"]}
    assert set(aims) == {("b", "a"), ("x", "y"), ("k", "a")}
    assert aims["b", "a"]["before"] > 0.3
    assert values["b", "a"] == pytest.approx(aims["b", "a"]["aimed"], abs=0.002)


def test_weights_meet_the_policy_and_keep_marginals(audit: credenza.Audit, policy: Path) -> None:
    done = repair(BAD, audit, method="reweight", target="policy", policy=policy)
    weights = done.weights
    assert weights is not None
    a, b = (BAD[name].to_numpy(zero_copy_only=False).astype(float) for name in "ab")
    assert np.average(a, weights=weights) == pytest.approx(a.mean(), abs=1e-6)
    centred = (a - a.mean()) * (b - b.mean())
    spread = a.std() * b.std()
    assert np.average(centred, weights=weights) / spread == pytest.approx(0.046, abs=0.002)


def test_no_more_is_edited_than_needed(audit: credenza.Audit, policy: Path) -> None:
    done = repair(BAD, audit, method="relabel", rows="random", target="policy", policy=policy)
    assert done.summary["edits"] <= 1.01 * done.summary["minimum"]
    assert done.data["c"].equals(BAD["c"])
    assert done.data["y"].null_count == BAD["y"].null_count


def test_culprits_that_the_policy_does_not_speak_of_are_left_alone(tmp_path: Path) -> None:
    def rows(bias: float, tilt: float, seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        u, v = rng.random(4_000) < 0.5, rng.random(4_000) < 0.5
        return pa.table(
            {
                "u": u,
                "w": np.where(rng.random(4_000) < bias, u, rng.random(4_000) < 0.5),
                "v": v,
                "z": np.where(rng.random(4_000) < tilt, v, rng.random(4_000) < 0.5),
                "t": rng.random(4_000) < 0.5,
            }
        )

    good, bad = rows(0.0, 0.0, 1), rows(0.25, 0.25, 2)
    path = written(tmp_path, '[[pair]]\nfeatures = ["u", "w"]\nexpect = "independent"\n')
    found = credenza.audit(bad, good, policy=path)
    assert {c.features for c in found.result.culprits} == {("u", "w"), ("v", "z")}
    done = repair(bad, found, method="relabel", reference=good, target="policy", policy=path)
    assert [pair.features for pair in done.culprits] == [("u", "w")]
    assert done.skipped == ("'v' x 'z': the policy does not speak of it",)
    loose = written(tmp_path, '[[pair]]\nfeatures = ["u", "w"]\nbounds = [-0.5, 0.5]\n')
    found = credenza.audit(bad, good, policy=loose)
    with pytest.raises(InputError) as caught:
        repair(bad, found, method="relabel", target="policy", policy=loose)
    told = str(caught.value)
    assert told.startswith(f"no pair breaks the policy {loose}: there is nothing to repair (")
    assert "'v' x 'z': the policy does not speak of it" in told
    assert "'u' x 'w': its MCC of +0.2" in told


def test_a_culprit_beyond_its_bounds_is_repaired_though_no_breach_is_sure(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    u, t = rng.random(3_000) < 0.5, rng.random(3_000) < 0.5
    good = pa.table({"u": u, "w": np.where(rng.random(3_000) < 0.3, ~u, rng.random(3_000) < 0.5), "t": t})
    bad = pa.table({"u": u, "w": np.where(rng.random(3_000) < 0.06, u, rng.random(3_000) < 0.5), "t": t})
    path = written(tmp_path, '[[pair]]\nfeatures = ["w", "u"]\nexpect = "independent"\n')
    found = credenza.audit(bad, good, policy=path)
    assert breach(found).status is Status.CLEAR
    case = diagnose(admit(bad, found, good, path), target="policy")
    (aim,) = case.told["policy"]["pairs"]
    assert 0.05 < aim["before"] < 0.09
    assert aim["aimed"] == pytest.approx(0.05 - 0.25 / np.sqrt(3_000), abs=1e-3)


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"policy": None}, UsageError, "target 'policy' needs the policy of the audit and none was given: give"),
        (
            {"target": "independence"},
            UsageError,
            "target 'independence' uses no policy and one was given: leave it out, or use target 'policy'",
        ),
        ({"policy": "absent.toml"}, InputError, "cannot read the policy absent.toml: No such file or directory"),
        (
            {"strata": "k"},
            UsageError,
            "strata 'k' is part of the pair 'a' x 'k' that is repaired: give another column",
        ),
        ({"strata": "zz"}, InputError, "the audit has no feature 'zz' to repair inside; its features are a, b, c"),
    ],
)  # fmt: skip
def test_refusals(
    change: dict[str, Any], kind: type[CredenzaError], text: str, audit: credenza.Audit, policy: Path
) -> None:
    given: dict[str, Any] = {"target": "policy", "policy": policy, "method": "relabel"} | change
    with pytest.raises(kind) as caught:
        repair(BAD, audit, **given)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


def test_the_policy_must_be_that_of_the_audit(audit: credenza.Audit, policy: Path, tmp_path: Path) -> None:
    other = written(tmp_path, '[[pair]]\nfeatures = ["a", "b"]\nexpect = "negative"\n')
    with pytest.raises(InputError) as caught:
        admit(BAD, audit, None, other)
    told = str(caught.value)
    assert told.startswith("the audit is of another policy: its sha256 is ")
    assert told.endswith("; audit it again")
    bare = credenza.audit(BAD, checks=["CZ002"])
    with pytest.raises(InputError) as caught:
        admit(BAD, bare, None, policy)
    assert str(caught.value) == (
        f"the audit was made without a policy, so it does not say what breaks {policy}; audit again with the policy"
    )


def test_a_policy_beyond_the_marginals_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, '[[pair]]\nfeatures = ["a", "b"]\nbounds = [0.95, 1.0]\n')
    found = credenza.audit(BAD, policy=path, checks=["CZ206"])
    with pytest.raises(
        InfeasibleError, match=r"the policy expects the MCC of 'a' and 'b' to be \+0.95\d or more"
    ):
        repair(BAD, found, method="relabel", target="policy", policy=path)


def test_rare_values_of_the_strata_are_told(tmp_path: Path) -> None:
    names = np.array(["p", "q"])[np.arange(4_000) % 2].astype(object)
    names[:20] = [f"rare {k}" for k in range(20)]
    bad = BAD.set_column(BAD.column_names.index("who"), "who", pa.array(names.tolist()))
    path = written(tmp_path, '[[pair]]\nfeatures = ["a", "b"]\nexpect = "independent"\n')
    found = credenza.audit(bad, policy=path, checks=["CZ206"])
    case = diagnose(admit(bad, found, None, path), target="policy", strata="who")
    assert [cure.where for cure in case.cures] == [("who", "p"), ("who", "q")]
    assert case.left == ("rows with rare values of 'who': they are in no stratum",)
