from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import quantum_entropy_scores, squared_top_projections
from scipy.stats import multivariate_t
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from credenza.checks.samples import scores as machinery
from credenza.checks.samples.clusters import cluster_scores, fit_clusters, silhouette, two_means
from credenza.checks.samples.rates import second_mode
from credenza.checks.samples.scores import LEAST_ROWS, fisher, holm, standardised
from credenza.checks.samples.spectral import fit_spectral, principal, spectral_scores
from credenza.checks.samples.spectre import (
    concentrated,
    entropy_weights,
    fit_spectre,
    spectre_scores,
    whitened,
)
from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

SCORERS = [spectral_scores, cluster_scores, spectre_scores]
FITS = [fit_spectral, fit_clusters, fit_spectre]


def clean(n: int, seed: int, d: int = 12) -> tuple[FloatArray, IntArray]:
    """Three classes with correlated, heavy-tailed and skewed rows of one mode."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(d, d)) / 3 + np.diag(np.linspace(2, 0.3, d))
    rows = multivariate_t(shape=np.eye(d), df=4, seed=seed).rvs(n) @ mix
    labels = rng.integers(0, 3, n)
    rows = np.where(labels[:, None] == 1, np.maximum(rows, -0.2 * rng.random(d)) + 0.3 * rows, rows)
    return rows + 3.0 * labels[:, None], labels


def planted(n: int = 1_800, seed: int = 0, share: float = 0.15) -> tuple[FloatArray, IntArray, np.ndarray]:
    """Class 2 with a share of rows apart in a direction of middling spread."""
    rows, labels = clean(n, seed)
    mine = (labels == 2) & (np.random.default_rng(seed + 1).random(n) < share)
    rows[mine] = rows[mine] * 0.2 + np.linspace(4, -12, rows.shape[1])
    return rows, labels, mine


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("seed", range(2))
def test_clean_classes_are_left_alone(scorer, seed: int) -> None:
    found = scorer(*clean(900, seed), seed=seed)
    assert not found.flagged.any()
    assert [verdict.rate for verdict in found.per_class] == [0.0] * 3
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("scorer", SCORERS)
def test_planted_rows_rank_first_and_the_rate_is_estimated(scorer) -> None:
    rows, labels, mine = planted()
    found = scorer(rows, labels)
    assert [verdict.flagged for verdict in found.per_class] == [False, False, True]
    verdict = found.per_class[2]
    assert verdict.rate == pytest.approx(mine.sum() / (labels == 2).sum(), abs=0.03)
    assert verdict.flagged_rows == found.flagged.sum()
    assert found.flagged[mine].mean() > 0.95
    assert (found.scores[mine] > np.quantile(found.scores[~mine], 0.95)).mean() > 0.9


@pytest.mark.parametrize("scorer", SCORERS)
def test_where_the_rows_are_kept_does_not_matter(
    scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels, _ = planted(600)
    whole = scorer(rows.astype(np.float32), labels, seed=3)
    np.save(tmp_path / "rows.npy", rows.astype(np.float32))
    monkeypatch.setattr(machinery, "BLOCK", 256)
    monkeypatch.setattr(machinery, "CLASSES", 1)
    mapped = scorer(np.load(tmp_path / "rows.npy", mmap_mode="r"), labels, seed=3)
    np.testing.assert_allclose(mapped.scores, whole.scores, rtol=1e-6)
    assert [v.flagged_rows for v in mapped.per_class] == [v.flagged_rows for v in whole.per_class]


@pytest.mark.parametrize("scorer", SCORERS)
def test_a_sample_of_a_large_class_will_do(scorer) -> None:
    rows, labels, mine = planted(2_000)
    found = scorer(rows, labels, sample=400)
    assert found.per_class[2].flagged
    assert found.flagged[mine].mean() > 0.95
    np.testing.assert_array_equal(found.scores, scorer(rows, labels, sample=400).scores)


@pytest.mark.parametrize("scorer", SCORERS)
def test_small_and_absent_classes_are_named(scorer) -> None:
    rows, labels = clean(300, 1)
    labels = np.where(np.arange(300) < 3, 5, labels)
    found = scorer(rows, labels)
    assert [verdict.p is None for verdict in found.per_class] == [False, False, False, True, True, True]
    assert found.per_class[5].note == f"3 rows: at least {LEAST_ROWS} are needed"
    assert np.isnan(found.scores[:3]).all()
    assert np.isfinite(found.scores[3:]).all()


@pytest.mark.parametrize("scorer", SCORERS)
@settings(deadline=None, max_examples=5)
@given(n=st.integers(0, 120), d=st.integers(1, 200), constant=st.booleans(), seed=st.integers(0, 1_000))
def test_any_shape_is_scored(scorer, n: int, d: int, constant: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.ones((n, d)) if constant else rng.normal(size=(n, d))
    labels = rng.integers(0, 2, n)
    found = scorer(rows, labels, seed=seed)
    assert found.scores.shape == found.flagged.shape == (n,)
    assert not (found.scores < 0).any()
    assert sum(verdict.rows for verdict in found.per_class) == n


@pytest.mark.parametrize("scorer", SCORERS)
def test_bad_arguments_are_one_line(scorer) -> None:
    rows, labels = clean(100, 0)
    with pytest.raises(
        UsageError, match=r"^embeddings are 100x12 for 99 labels: give one row of numbers for each label$"
    ):
        scorer(rows, labels[:99])
    with pytest.raises(UsageError, match=r"^level is 1.5: give a number between 0 and 1$"):
        scorer(rows, labels, level=1.5)


def test_bad_parameters_of_one_method_are_one_line() -> None:
    rows, labels = clean(100, 0)
    with pytest.raises(UsageError, match=r"^factor is 0.5: give a number of 1 or more$"):
        spectral_scores(rows, labels, factor=0.5)
    with pytest.raises(UsageError, match=r"^dimensions is 0: give 1 or more$"):
        cluster_scores(rows, labels, dimensions=0)
    with pytest.raises(UsageError, match=r"^dimensions is 5 and alpha -1: give 1 or more, and 0 or more$"):
        spectre_scores(rows, labels, dimensions=5, alpha=-1)


@settings(deadline=None, max_examples=10)
@given(st.integers(3, 40), st.integers(1, 60), st.integers(0, 1_000))
def test_projections_agree_with_the_whole_decomposition(n: int, d: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(3, 1, d)
    values = fit_spectral(rows, np.random.default_rng(0)).values(rows)
    np.testing.assert_allclose(values**2, squared_top_projections(rows), rtol=1e-6, atol=1e-8)


@settings(deadline=None, max_examples=10)
@given(st.integers(4, 30), st.integers(1, 40), st.integers(0, 1_000))
def test_principal_components_are_those_of_the_covariance(n: int, d: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    mean, variances, directions = principal(rows, 3)
    expected = np.sort(np.linalg.eigvalsh(np.cov(rows.T, bias=True).reshape(d, d)))[::-1][: len(variances)]
    np.testing.assert_allclose(variances, expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(directions.T @ directions, np.eye(len(variances)), atol=1e-8)
    np.testing.assert_allclose(mean, rows.mean(axis=0))


def test_two_means_is_as_good_as_another_library() -> None:
    for seed in range(5):
        rows = np.random.default_rng(seed).normal(size=(300, 4))
        rows[:40] += 4.0
        centres, second = two_means(rows, np.random.default_rng(seed))
        loss = float(((rows - centres[second.astype(int)]) ** 2).sum())
        assert loss <= KMeans(2, n_init=5, random_state=0).fit(rows).inertia_ * 1.0001
        assert second[:40].all()
        assert second.mean() <= 0.5


def test_the_silhouette_is_that_of_another_library() -> None:
    rng = np.random.default_rng(0)
    rows, second = rng.normal(size=(200, 3)), rng.random(200) < 0.3
    assert silhouette(rows, second, rng) == pytest.approx(silhouette_score(rows, second))
    alone = np.arange(200) == 7
    assert silhouette(rows, alone, rng) == pytest.approx(silhouette_score(rows, alone))
    assert silhouette(rows, np.zeros(200, dtype=bool), rng) == 0.0


@pytest.mark.parametrize("alpha", [0.0, 1.0, 4.0])
def test_entropy_scores_agree_with_the_matrix_exponential(alpha: float) -> None:
    white = np.random.default_rng(2).normal(size=(80, 5)) * [1, 1, 1.5, 2, 1]
    q, largest = entropy_weights(white, alpha)
    np.testing.assert_allclose(
        ((white @ q) * white).sum(axis=1), quantum_entropy_scores(white, alpha), rtol=1e-9
    )
    assert largest == pytest.approx(np.linalg.norm(white.T @ white / 80, 2))


def test_nothing_spread_weights_all_directions_alike() -> None:
    q, largest = entropy_weights(np.eye(4))
    np.testing.assert_allclose(q, np.eye(4) / 4)
    assert largest == pytest.approx(0.25)


def test_the_robust_covariance_is_that_of_the_bulk() -> None:
    rng = np.random.default_rng(4)
    mix = rng.normal(size=(5, 5))
    bulk = rng.normal(size=(3_000, 5)) @ mix
    foreign = rng.normal(size=(1_200, 5)) + 40.0 * mix[0]
    mean, covariance = concentrated(np.concatenate([bulk, foreign]))
    white = whitened(bulk, mean, covariance)
    assert np.abs(white.mean(axis=0)).max() < 0.2
    spread = np.linalg.eigvalsh(np.cov(white.T))
    assert spread.max() < 2
    assert spread.max() / spread.min() < 1.3


@pytest.mark.parametrize("fit", FITS)
def test_rows_without_a_spread_have_equal_values(fit) -> None:
    fitted = fit(np.ones((50, 3)), np.random.default_rng(0))
    assert np.ptp(fitted.values(np.ones((7, 3)))) == 0
    assert fitted.note == "no spread"


def test_holm_keeps_the_level() -> None:
    assert holm({}, 0.05) == set()
    assert holm({3: np.log(0.02), 5: np.log(0.024), 7: np.log(0.5)}, 0.05) == set()
    assert holm({3: np.log(0.01), 5: np.log(0.024), 7: np.log(0.5)}, 0.05) == {3, 5}


def test_fishers_product_is_uniform() -> None:
    p = np.random.default_rng(0).random((4_000, 2))
    joined = np.array([np.exp(fisher(float(a), float(b))) for a, b in np.log(p)])
    for level in (0.01, 0.1, 0.5):
        assert (joined < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 4_000))


def test_distances_are_from_the_larger_side() -> None:
    values = np.append(np.random.default_rng(0).normal(size=300), np.random.default_rng(1).normal(-9, 1, 90))
    found = standardised(values, second_mode(values))
    assert found[300:].min() > np.quantile(found[:300], 0.99)
    assert (found[:300][values[:300] > 0.5] == 0).all()
    assert (standardised(values, None, one_sided=True)[300:] == 0).all()
    assert (standardised(np.full(5, 3.0), None) == 0).all()
