from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.repair.reweight import Reweight
from credenza.repair.training import indices, row_weights, sampler_weights
from tests.repair.weight_worlds import case_of, moved

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_weights_of_a_file_a_frame_a_treatment_and_an_array(tmp_path: Path) -> None:
    treated = Reweight().treat(case_of(moved(), ("f0", "f1")), None, seed=0)
    table = treated.output.table()
    pq.write_table(table, tmp_path / "a.parquet")
    expected = table["weight"].to_numpy()
    for repaired in (table, tmp_path / "a.parquet", str(tmp_path / "a.parquet"), treated):
        np.testing.assert_array_equal(row_weights(repaired), expected)

    class Repaired:
        weights = expected

    np.testing.assert_array_equal(row_weights(Repaired()), expected)


def test_another_column() -> None:
    assert row_weights(pa.table({"w": [1, 3]}), column="w").tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None], r"column 'weight' holds nan in row 1; weights are finite and not negative"),
        ([-0.5, 1.0], r"column 'weight' holds -0.5 in row 0; weights are finite and not negative"),
        ([1.0, float("inf")], r"column 'weight' holds inf in row 1; weights are finite and not negative"),
        (["a", "b"], r"column 'weight' is string; weights are numbers"),
    ],
)
def test_what_are_no_weights_is_refused(values: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        row_weights(pa.table({"weight": values}))


def test_data_without_weights_is_refused() -> None:
    with pytest.raises(
        InputError, match="has no column 'weight'; give data that was repaired by reweighting"
    ):
        row_weights(pa.table({"a": [1]}))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=40).filter(lambda w: sum(w) > 0.1),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
)
def test_indices_follow_the_weights(weights: list[float], n: int, seed: int) -> None:
    drawn = indices(weights, n, seed=seed)
    assert drawn.shape == (n,)
    expected = n * np.array(weights) / sum(weights)
    counts = np.bincount(drawn, minlength=len(weights))
    assert (counts >= np.floor(expected - 1e-9)).all()
    assert (counts <= np.ceil(expected + 1e-9)).all()
    np.testing.assert_array_equal(drawn, indices(weights, n, seed=seed))


def test_indices_draw_as_many_as_there_are_in_another_order_each_time() -> None:
    first, second = indices(np.ones(50), seed=0), indices(np.ones(50), seed=1)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first.tolist() != second.tolist()


def test_each_row_has_its_chance() -> None:
    counts = sum(np.bincount(indices([0.5, 1.0, 1.5], 3, seed=s), minlength=3) for s in range(2000))
    np.testing.assert_allclose(np.asarray(counts) / 2000, [0.5, 1.0, 1.5], atol=0.05)


@pytest.mark.parametrize(
    ("weights", "n", "kind", "message"),
    [
        ([1.0], 0, UsageError, "n is 0; give the number of rows to draw, 1 or more"),
        ([0.0, 0.0], 1, InputError, "all weights are 0; give some that are not"),
        ([[1.0]], 1, InputError, r"weights of shape \(1, 1\); give one number a row"),
        ([], 1, InputError, r"weights of shape \(0,\); give one number a row"),
    ],
)
def test_indices_refuse(weights: list[float], n: int, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        indices(weights, n, seed=0)


def test_a_torch_sampler_takes_the_weights() -> None:
    torch = pytest.importorskip("torch")
    weights = sampler_weights(pa.table({"weight": [0.5, 1.5]}))
    assert weights.dtype == torch.float64
    assert weights.tolist() == [0.5, 1.5]
    drawn = list(torch.utils.data.WeightedRandomSampler(weights, num_samples=5))
    assert set(drawn) <= {0, 1}


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        MissingExtraError, match=r"a torch sampler needs torch: pip install 'credenza\[torch\]'"
    ):
        sampler_weights(pa.table({"weight": [1.0]}))


@pytest.mark.parametrize(("name", "needs"), [("sample_weight", "sklearn"), ("weighted_sampler", "torch")])
def test_examples_run_and_heal_the_model(name: str, needs: str) -> None:
    pytest.importorskip(needs)
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    clean, poisoned, *repaired = (float(x) for x in re.findall(r"[+-]\d\.\d+$", done.stdout, re.MULTILINE))
    assert poisoned > clean + 0.1
    assert repaired
    assert all(abs(effect - clean) < 0.06 for effect in repaired)
