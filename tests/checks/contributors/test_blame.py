"""Who flips labels is named, alone; nobody is named without a cause; what is too small says so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from credenza.checks.contributors.blame import blame
from credenza.checks.contributors.trainers import MODELS, checked_chances, trainer
from credenza.checks.contributors.trials import Task, Trials, harm, run_trials
from credenza.errors import InputError, UsageError


def task(seed: int, flippers: dict[int, float], contributors: int = 10, each: int = 60) -> Task:
    """Three classes of five normal columns; some contributors flip a share of their labels."""
    rng = np.random.default_rng(seed)
    n = contributors * each
    codes = rng.integers(0, 3, n + 400)
    means = 2.0 * np.eye(3, 5)
    rows = means[codes] + rng.normal(size=(n + 400, 5))
    owners = np.repeat(np.arange(contributors), each)
    labels = codes[:n].copy()
    for who, share in flippers.items():
        own = rng.permutation(np.flatnonzero(owners == who))[: round(share * each)]
        labels[own] = (labels[own] + 1) % 3
    names = tuple(f"c{j}" for j in range(contributors))
    return Task(rows[:n], labels, owners, rows[n:], codes[n:], ("a", "b", "c"), names)


def named(given: Task, parts: int = 9, seed: int = 0) -> set[str]:
    trials = run_trials(
        given, trainer("logistic", seed=seed), parts=parts, seed=seed, fdr=0.05, model="logistic"
    )
    return {one.contributor for one in blame(trials) if one.q <= 0.05}


@pytest.mark.parametrize("share", [0.35, 0.5])
def test_a_flipper_is_named_alone(share: float) -> None:
    found = [named(task(seed, {seed + 3: share})) == {f"c{seed + 3}"} for seed in range(5)]
    assert sum(found) >= 4


def test_two_flippers_do_not_cover_each_other() -> None:
    assert named(task(1, {2: 0.4, 7: 0.5})) == {"c2", "c7"}


def test_nobody_is_named_without_a_cause() -> None:
    assert sum(bool(named(task(seed, {}))) for seed in range(2)) == 0


def test_without_parts_the_others_are_the_yardstick() -> None:
    assert named(task(2, {5: 0.4}), parts=0) == {"c5"}


def test_harm_is_the_mean_fall_of_the_loss() -> None:
    given = task(3, {0: 0.5}, contributors=4)
    trials = run_trials(given, trainer("logistic", seed=0), parts=2, seed=0, fdr=0.05, model="logistic")
    falls = trials.loss - trials.losses[0]
    expected = [falls.mean(), *(falls[given.truth == c].mean() for c in range(3))]
    assert trials.harms()[0] == pytest.approx(expected)
    assert harm(np.array([1.0, 3.0]), np.array([0, 0]), 2).tolist() == [2.0, 2.0, 0.0]


def test_large_and_small_contributors_are_held_to_the_same_measure() -> None:
    """Harm by chance grows with the root of the rows: p-values stay uniform."""
    rng = np.random.default_rng(5)
    sizes = np.array([50, 100, 200, 400, 800, 1_600])
    p = []
    for _ in range(25):
        drawn = rng.choice(sizes, 40)
        parts = -1e-6 * drawn[:, None] + 1e-4 * np.sqrt(drawn)[:, None] * rng.normal(size=(40, 2))
        own = -1e-6 * sizes + 1e-4 * np.sqrt(sizes) * rng.normal(size=6)
        loss = np.full(200, 0.5)
        losses = loss - own[:, None] + 1e-9 * rng.normal(size=(6, 200))
        found = blame(
            Trials(
                "who", tuple("abcdef"), sizes, ("x",), np.zeros(200, int), loss, loss > 0, losses, losses > 0,
                drawn, parts,
            )
        )  # fmt: skip
        p += [stats.t.sf(one.z_parts, 39) for one in found if one.label is None]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_small_contributors_are_left_in_with_a_reason() -> None:
    given = task(0, {})
    owners = given.owners.copy()
    owners[:50] = 1  # c0 keeps ten rows
    trials = run_trials(
        Task(given.rows, given.labels, owners, given.test, given.truth, given.classes, given.contributors),
        trainer("logistic", seed=0), parts=0, seed=0, fdr=0.05, model="logistic",
    )  # fmt: skip
    assert trials.skipped == (("c0", "10 rows; 20 or more are needed"),)
    assert "c0" not in trials.contributors


@pytest.mark.parametrize(
    ("owners", "message"),
    [
        (
            np.zeros(600, int),
            "'contributor' names 1 contributors of 20 rows or more; 2 to 200 can be left out",
        ),
        (np.repeat([0, 1], [560, 40]), "'c0' has 560 of 600 rows: without them nothing is left"),
    ],
)
def test_what_cannot_be_left_out_is_refused(owners: np.ndarray, message: str) -> None:
    given = task(0, {})
    bad = Task(given.rows, given.labels, owners, given.test, given.truth, given.classes, given.contributors)
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        run_trials(bad, trainer("logistic", seed=0), parts=0, seed=0, fdr=0.05, model="logistic")


def test_a_class_that_only_one_contributor_has() -> None:
    given = task(0, {})
    labels = np.where(given.owners == 0, given.labels, 1)
    bad = Task(given.rows, labels, given.owners, given.test, given.truth, given.classes, given.contributors)
    with pytest.raises(InputError, match="without some contributor a single class is left to learn"):
        run_trials(bad, trainer("logistic", seed=0), parts=0, seed=0, fdr=0.05, model="logistic")


def test_models_by_name() -> None:
    with pytest.raises(UsageError, match=f"unknown model 'forest': use one of {', '.join(MODELS)}, or give"):
        trainer("forest", seed=0)
    with pytest.raises(InputError, match=r"an array of shape \(3,\); probabilities are \(3, 2\)"):
        checked_chances(np.ones(3), 3, 2)
    with pytest.raises(InputError, match="values that are no probabilities"):
        checked_chances(np.full((3, 2), 1.5), 3, 2)


@pytest.mark.parametrize("model", ["logistic", "boosting"])
def test_a_class_that_is_not_among_the_labels_has_hardly_a_chance(model: str) -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(60, 2)), np.repeat([0, 2], 30)
    chances = trainer(model, seed=0)(rows, labels, rows[:5], 3)
    assert chances.shape == (5, 3)
    assert chances.sum(axis=1) == pytest.approx(1.0)
    assert (chances[:, 1] < 0.1).all()
