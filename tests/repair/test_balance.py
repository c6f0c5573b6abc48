from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import encode, fit_schema, open_source, sketch
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.repair import balance as module
from credenza.repair.balance import Balance, balance
from credenza.repair.case import Case, Cure, aim
from tests.oracles import entropy_balance, raking
from tests.repair.weight_worlds import case_of, counted, cures_of, mixed, moved


def weights_of(case: Case, found: Balance, size: int | None = None) -> np.ndarray:
    return np.concatenate([found.tilt.of(b) for b in case.source.batches(found.tilt.columns, size=size)])


def targets_of(case: Case, codes: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
    sizes = case.schema.sizes
    out: dict[tuple[int, ...], np.ndarray] = {
        (f,): np.bincount(codes[:, f], minlength=sizes[f]) / len(codes) for f in range(len(sizes))
    }
    return out | {cure.features: cure.wanted / cure.wanted.sum() for cure in case.cures}


def test_weights_are_those_of_raking_and_of_a_general_optimiser() -> None:
    table = moved()
    case = case_of(table, ("f0", "f1"))
    found = balance(case, seed=0)
    weights, codes = weights_of(case, found), encode(table, case.schema)
    targets = targets_of(case, codes)
    np.testing.assert_allclose(weights, raking(codes, targets), atol=1e-8)
    np.testing.assert_allclose(weights, entropy_balance(codes, targets), atol=1e-5)
    assert found.passes == 1
    assert found.margin_residual < 1e-10
    assert found.cure_residual < 1e-10
    assert found.misplaced == pytest.approx((0.0,), abs=1e-6)
    assert found.effective_rows == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert (found.smallest, found.largest) == pytest.approx((weights.min(), weights.max()))


def test_several_cures_share_a_feature() -> None:
    table = moved(900, 6)
    case = case_of(table, ("f0", "f1"), ("f1", "f2"), ("f3", "f4"))
    weights, codes = weights_of(case, balance(case, seed=0)), encode(table, case.schema)
    np.testing.assert_allclose(weights, raking(codes, targets_of(case, codes)), atol=1e-7)


def test_odd_features_keep_their_marginals() -> None:
    table = mixed()
    case = case_of(table, ("plan", "age"))
    assert "(missing)" in case.schema.features[case.schema.index("age")].levels
    found = balance(case, seed=0)
    weights, codes = weights_of(case, found), encode(table, case.schema)
    for f, size in enumerate(case.schema.sizes):
        have = np.bincount(codes[:, f], weights, size)
        np.testing.assert_allclose(have, np.bincount(codes[:, f], minlength=size), atol=1e-6)
    assert found.misplaced == pytest.approx((0.0,), abs=1e-5)


def test_a_slice_is_weighed_by_itself() -> None:
    table = mixed()
    case = case_of(table, ("plan", "urban"), where=("contributor", "c2"))
    weights = weights_of(case, balance(case, seed=0))
    inside = np.array(table["contributor"].to_pylist()) == "c2"
    assert (weights[~inside] == 1.0).all()
    codes = encode(table.filter(pa.array(inside)), case.schema)
    alone = raking(codes, targets_of(case, codes))
    np.testing.assert_allclose(weights[inside], alone, atol=1e-7)


def test_a_slice_and_all_rows_are_weighed_together() -> None:
    table = mixed(1500)
    schema = fit_schema(sketch(table))
    inner = cures_of(table, schema, ("plan", "urban"), where=("contributor", "c2"))
    outer = cures_of(table, schema, ("age", "urban"))
    found = balance(Case(open_source(table), schema, (*inner, *outer)), seed=0)
    assert found.misplaced == pytest.approx((0.0, 0.0), abs=1e-5)
    assert found.margin_residual < 1e-9


def test_missing_values_can_be_a_slice() -> None:
    table = moved(400).append_column("site", pa.array([None, "a"] * 200))
    schema = fit_schema(sketch(table.drop_columns(["site"])))
    part = table.slice(0, 400).take(pa.array(np.arange(0, 400, 2)))
    found = counted(encode(part, schema), schema.sizes, (0, 1))
    case = Case(
        open_source(table), schema, (Cure((0, 1), found, aim(found, None), where=("site", "(missing)")),)
    )
    weights = weights_of(case, balance(case, seed=0))
    assert (weights[1::2] == 1.0).all()
    assert weights[::2].std() > 0.05


def test_many_rows_are_solved_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(moved(20_000), ("f0", "f1"))
    exact = weights_of(case, balance(case, seed=0))
    monkeypatch.setattr(module, "SAMPLE", 2**11)
    found = balance(case, seed=3)
    assert 2 < found.passes <= 8
    assert found.margin_residual < 1e-8
    assert found.cure_residual < 1e-8
    np.testing.assert_allclose(weights_of(case, found), exact, atol=1e-6)


def test_a_level_that_the_sample_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    table = moved(8_000)
    rare = np.full(8_000, "often")
    rare[np.random.default_rng(1).choice(8_000, 40, replace=False)] = "seldom"
    case = case_of(table.append_column("rare", pa.array(rare)), ("f0", "f1"))
    exact = weights_of(case, balance(case, seed=0))
    monkeypatch.setattr(module, "SAMPLE", 64)
    np.testing.assert_allclose(weights_of(case, balance(case, seed=0)), exact, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 90))
def test_batches_do_not_matter(seed: int, size: int) -> None:
    case = case_of(moved(120, 3, seed), ("f0", "f1"))
    found = balance(case, seed=seed, partial=True)
    np.testing.assert_allclose(weights_of(case, found, size), weights_of(case, found), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60),
    st.booleans(),
)
def test_any_table_keeps_its_marginals(rows: list[tuple[int, int, int]], twice: bool) -> None:
    a, b, c = np.array(rows).T
    columns = {"a": [f"v{k}" for k in a], "b": [f"w{k}" for k in b], "c": c.tolist()}
    table = pa.table(columns | ({"d": columns["a"]} if twice else {}))
    schema = fit_schema(sketch(table))
    if not {"a", "b"} <= set(schema.names):
        return
    case = Case(open_source(table), schema, cures_of(table, schema, ("a", "b")))
    found = balance(case, seed=0, partial=True)
    weights, codes = weights_of(case, found), encode(table, schema)
    assert (weights >= 0).all()
    for f, size in enumerate(schema.sizes):
        have = np.bincount(codes[:, f], weights, size)
        np.testing.assert_allclose(have, np.bincount(codes[:, f], minlength=size), atol=1e-6 * len(rows))
    if not found.skipped:
        assert found.cure_residual < 1e-5


def test_nothing_to_cure_leaves_all_weights_at_one() -> None:
    table = moved(50)
    found = balance(Case(open_source(table), fit_schema(sketch(table)), ()), seed=0)
    assert found.tilt.of(table.to_batches()[0]).tolist() == [1.0] * 50
    assert (found.effective_rows, found.passes) == (50.0, 0)


def test_a_cap_is_kept_and_the_targets_met() -> None:
    table = moved(2_000)
    case = case_of(table, ("f0", "f1"))
    free = balance(case, seed=0)
    (cure,) = case.cures
    cap = float((cure.wanted / cure.found).max() + free.largest) / 2
    found = balance(case, seed=0, cap=cap)
    assert found.largest <= cap * (1 + 1e-12)
    assert found.cure_residual < 1e-9
    assert found.margin_residual < 1e-9
    weights = weights_of(case, found)
    entropy = (weights * np.log(weights)).sum()
    clipped = np.minimum(weights_of(case, free), cap)
    codes, targets = encode(table, case.schema), targets_of(case, encode(table, case.schema))
    for _ in range(3000):  # the slow twin: rake, clip, again
        scale = raking_step(codes, targets, clipped)
        clipped = np.minimum(clipped * scale, cap)
    assert entropy <= (clipped * np.log(clipped)).sum() + 1e-3


def raking_step(
    codes: np.ndarray, targets: dict[tuple[int, ...], np.ndarray], weights: np.ndarray
) -> np.ndarray:
    start = weights
    for features, target in targets.items():
        cell = tuple(codes[:, f].astype(int) for f in features)
        have = np.zeros(target.shape)
        np.add.at(have, cell, weights)
        scale = np.divide(target * len(codes), have, out=np.ones(target.shape), where=have > 0)
        weights = weights * scale[cell]
    return np.asarray(weights / start)


@pytest.mark.parametrize("sample", [2**18, 2**10])
def test_a_cap_out_of_reach_is_told(sample: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", sample)
    case = case_of(moved(4_000), ("f0", "f1"))
    with pytest.raises(InfeasibleError) as error:
        balance(case, seed=0, cap=1.05)
    text = str(error.value)
    assert "cannot restore 'f0' x 'f1': " in text
    assert "misplaced rows stay; a cap of" in text
    assert "take partial to come near" in text
    found = balance(case, seed=0, cap=1.05, partial=True)
    assert found.skipped[0] in text
    assert found.largest <= 1.05 + 1e-12
    assert found.margin_residual < 1e-7
    assert 0 < found.misplaced[0] < case.cures[0].misplaced
    enough = float(text.split("a cap of ")[1].split()[0])
    assert balance(case, seed=0, cap=1.05 * enough).skipped == ()


@pytest.mark.parametrize("cap", [1.0, 0.5, float("nan")])
def test_a_cap_below_the_mean_is_refused(cap: float) -> None:
    case = case_of(moved(50), ("f0", "f1"))
    with pytest.raises(UsageError, match=r"give the largest weight allowed, above 1 \(weights have mean 1\)"):
        balance(case, seed=0, cap=cap)


def test_an_empty_cell_is_named() -> None:
    table = pa.table(
        {"a": ["x", "y", "z"] * 100, "b": ["p", "q", "p", "q", "q", "p"] * 50, "c": [0, 1] * 150}
    )
    schema = fit_schema(sketch(table))
    found = counted(encode(table, schema), schema.sizes, (0, 1))
    case = Case(open_source(table), schema, (Cure((0, 1), found, aim(found, None)),))
    assert len(case.cures[0].empty) == 2
    with pytest.raises(
        InfeasibleError, match=r"cannot restore a = y and b = p: no row has it, 50 should \(and 1 more\)"
    ):
        balance(case, seed=0)
    eased = balance(case, seed=0, partial=True)
    assert eased.skipped[0] == "a = y and b = p: no row has it, 50 should"
    assert eased.margin_residual < 1e-9
    assert eased.largest < 10


def test_an_empty_cell_that_chance_explains_is_left() -> None:
    found = np.array([[60, 0, 30], [30, 3, 30]])
    a, b = np.divmod(np.repeat(np.arange(6), found.ravel()), 3)
    table = pa.table({"a": [f"v{k}" for k in a], "b": [f"w{k}" for k in b]})
    case = Case(open_source(table), fit_schema(sketch(table)), (Cure((0, 1), found, aim(found, None)),))
    assert case.cures[0].empty == ((0, 1),)
    fitted = balance(case, seed=0)
    assert fitted.skipped == ()
    assert fitted.margin_residual < 1e-9
    assert 1 < fitted.misplaced[0] < case.cures[0].misplaced


def test_a_cell_that_should_be_empty_is_emptied() -> None:
    found = np.array([[40, 0, 10], [30, 20, 20]])
    wanted = np.array([[50.0, 0.0, 0.0], [20.0, 20.0, 30.0]])
    a, b = np.divmod(np.repeat(np.arange(6), found.ravel()), 3)
    table = pa.table({"a": [f"v{k}" for k in a], "b": [f"w{k}" for k in b]})
    case = Case(open_source(table), fit_schema(sketch(table)), (Cure((0, 1), found, wanted),))
    weights = weights_of(case, balance(case, seed=0))
    assert weights[(a == 0) & (b == 2)].max() < 1e-6
    assert weights.sum() == pytest.approx(120)


def test_a_slice_without_rows_is_refused() -> None:
    table = mixed(200)
    schema = fit_schema(sketch(table))
    (cure,) = cures_of(table, schema, ("plan", "urban"))
    case = Case(
        open_source(table),
        schema,
        (Cure(cure.features, cure.found, cure.wanted, where=("contributor", "c9")),),
    )
    with pytest.raises(InputError, match="no row has contributor = c9; give the data that was audited"):
        balance(case, seed=0)
