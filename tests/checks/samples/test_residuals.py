from __future__ import annotations

import numpy as np
import pytest
from checks.samples.worlds import annotated

from credenza.checks.samples.residuals import Links, residual_links


def links(n: int, seed: int, edits: float = 0.0) -> Links:
    content, table = annotated(n, seed, edits=edits)
    values = np.stack([table[name].to_numpy() for name in table.column_names], axis=1)
    return residual_links(content, values, seed=seed)


def test_what_content_explains_is_no_link() -> None:
    """75 statistics of N(0, 1), pairs of five worlds: |T| > 1.96 more than 11 times has a chance below 0.1%."""
    found = np.concatenate([links(1_200, seed).statistic() for seed in range(5)])
    assert (np.abs(found) > 1.96).sum() <= 11
    assert np.abs(found).max() < 4.5
    assert found.std() == pytest.approx(1.0, abs=0.25)


def test_an_edited_annotation_is_linked_beyond_content() -> None:
    found = links(3_000, seed=9, edits=0.1)
    strongest = int(np.abs(found.statistic()).argmax())
    assert (found.pairs[0][strongest], found.pairs[1][strongest]) == (0, 1)
    assert found.statistic()[strongest] > 6
    assert 0.3 * 0.05 < found.covariance[strongest] < 1.5 * 0.05
    assert found.statistic(0.5).tolist() == [0.0] * 15
    assert (found.explained < 1).all()
    assert found.explained.mean() > 0.2


def test_an_annotation_that_never_varies_has_no_statistic() -> None:
    rng = np.random.default_rng(0)
    values = np.stack([np.ones(200), rng.random(200) < 0.5], axis=1)
    found = residual_links(rng.normal(size=(200, 2)), values)
    assert np.isfinite(found.statistic()).all()
    assert abs(found.statistic()[0]) < 4
