"""Normals behind levels: probabilities against integration, correlations against known ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import bivariate_normal_by_steps
from scipy.special import ndtri

from credenza.association.measures import mcc, rank_correlation
from credenza.contracts import FloatArray
from credenza.models.tabular.latent import (
    LIMIT,
    bivariate_normal,
    latent_correlations,
    pair_blocks,
)

CUTS = st.one_of(st.just(0.0), st.floats(-3, 3))


def shares_of(table: FloatArray) -> FloatArray:
    """The matrix of joint shares of two features with this pair table."""
    table = np.asarray(table, float) / np.sum(table)
    margins = np.diag(table.sum(axis=1)), np.diag(table.sum(axis=0))
    return np.block([[margins[0], table], [table.T, margins[1]]])


def cut_table(cuts_a: list[float], cuts_b: list[float], correlation: float) -> FloatArray:
    """Shares of the cells between cuts, under a normal of known correlation."""
    a, b = (np.array([-np.inf, *cuts, np.inf]) for cuts in (cuts_a, cuts_b))
    below = bivariate_normal(a[:, None], b[None, :], np.array(correlation))
    return np.diff(np.diff(below, axis=0), axis=1)


def solved(table: FloatArray) -> float:
    starts = [0, len(table), len(table) + table.shape[1]]
    return float(latent_correlations(pair_blocks(shares_of(table), starts), 2)[0, 1])


@given(CUTS, CUTS, st.floats(-0.99, 0.99))
@settings(max_examples=30, deadline=None)
def test_probabilities_are_those_of_integration(h: float, k: float, correlation: float) -> None:
    found = float(bivariate_normal(np.array(h), np.array(k), np.array(correlation)))
    assert found == pytest.approx(bivariate_normal_by_steps(h, k, correlation), abs=1e-8)


def test_probabilities_at_infinity_are_margins() -> None:
    cuts, rho = np.array([-np.inf, np.inf, np.inf]), np.array([0.5, -0.5, 0.9])
    assert bivariate_normal(cuts, np.array([0.3, ndtri(0.2), np.inf]), rho) == pytest.approx(
        [0, 0.2, 1], abs=1e-12
    )


@given(st.floats(-0.98, 0.98), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_the_tetrachoric_correlation_is_found(rho: float, share_a: float, share_b: float) -> None:
    cuts = float(ndtri(share_a)), float(ndtri(share_b))
    table = cut_table([cuts[0]], [cuts[1]], rho)
    again = cut_table([cuts[0]], [cuts[1]], solved(table))
    assert np.abs(again - table).max() < 1e-4  # where cells are empty, many correlations do
    assert mcc(again) == pytest.approx(mcc(table), abs=2e-3)


@pytest.mark.parametrize("rho", [-0.9, -0.2, 0.0, 0.5, 0.95])
def test_correlations_behind_several_levels_are_found(rho: float) -> None:
    assert solved(cut_table([-1.0, 0.2, 0.9], [0.5], rho)) == pytest.approx(rho, abs=1e-5)
    assert solved(cut_table([-1.0, 0.2, 0.9], [-0.4, 0.0, 1.5, 2.0], rho)) == pytest.approx(rho, abs=1e-5)


def test_what_is_matched_is_the_rank_correlation() -> None:
    table = np.random.default_rng(0).random((3, 4))
    (block,) = pair_blocks(shares_of(table), [0, 3, 7])
    assert block.goal[0] == pytest.approx(rank_correlation(table))
    found = latent_correlations([block], 2)[[0], [1]]
    assert block.reached(found)[0] == pytest.approx(block.goal[0], abs=1e-6)


def test_slopes_are_derivatives() -> None:
    (block,) = pair_blocks(shares_of(np.random.default_rng(1).random((4, 3))), [0, 4, 7])
    for rho in (-0.7, 0.1, 0.8):
        step = (block.reached(np.array([rho + 1e-5])) - block.reached(np.array([rho - 1e-5]))) / 2e-5
        assert block.slopes(np.array([rho])) == pytest.approx(step, rel=1e-6)


def test_levels_that_never_occur_change_nothing() -> None:
    table = np.array([[30.0, 10.0], [10.0, 20.0]])
    wide = np.zeros((4, 3))
    wide[np.ix_([1, 3], [0, 2])] = table
    assert solved(wide) == pytest.approx(solved(table))


def test_a_feature_with_one_level_has_no_correlation() -> None:
    assert solved(np.array([[3.0, 4.0], [0.0, 0.0]])) == 0.0
    assert latent_correlations([], 0).shape == (0, 0)


def test_perfect_association_stays_in_reach() -> None:
    assert solved(np.eye(2)) == pytest.approx(LIMIT, abs=1e-6)
    assert solved(np.eye(2)[::-1]) == pytest.approx(-LIMIT, abs=1e-6)
