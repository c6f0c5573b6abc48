"""Re-pairing by rank: the margins bit for bit, the correlation one way only."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import oracles
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from credenza.attacks import ContinuousPoisoning
from credenza.attacks.key import AnswerKey
from credenza.data.sources import Source, open_source
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError

columns = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-9, 9)), st.one_of(st.none(), st.floats(-5, 5, width=16))),
    min_size=12,
    max_size=60,
)


def complete(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    rows = [
        (x, y)
        for x, y in zip(table["x"].to_pylist(), table["y"].to_pylist(), strict=True)
        if x is not None and y is not None
    ]
    x, y = np.array(rows, dtype=float).reshape(-1, 2).T
    return x, y


@settings(max_examples=80, deadline=None)
@given(rows=columns, positive=st.booleans(), seed=st.integers(0, 1000), edits=st.floats(0.5, 1.0))
def test_margins_stay_and_covariance_moves_one_way(
    rows: list[tuple[int | None, float | None]], positive: bool, seed: int, edits: float
) -> None:
    table = pa.table(
        {"x": pa.array([x for x, _ in rows], pa.int64()), "y": [y for _, y in rows], "z": range(len(rows))}
    )
    before = complete(table)
    if round(edits * len(before[0])) < 2:
        return
    attack = ContinuousPoisoning(("x", "y"), edits=edits, direction="positive" if positive else "negative")
    poisoned = attack.apply(table, seed=seed)
    assert poisoned.data.drop_columns(["y"]).equals(table.drop_columns(["y"]))
    assert sorted(poisoned.data["y"].drop_null().to_pylist()) == sorted(table["y"].drop_null().to_pylist())
    after = complete(poisoned.data)
    moved = float(after[0] @ after[1] - before[0] @ before[1])
    assert moved >= -1e-9 if positive else moved <= 1e-9
    pairs = zip(table["y"].to_pylist(), poisoned.data["y"].to_pylist(), strict=True)
    changed = [row for row, (old, new) in enumerate(pairs) if repr(old) != repr(new)]
    assert tuple(changed) == poisoned.key.rows
    assert poisoned.key.moves[0].rows_missing == len(rows) - len(before[0])


@pytest.mark.parametrize("direction", ["positive", "negative"])
def test_whole_table_is_paired_by_rank(direction: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=200), rng.exponential(size=200)
    table = pa.table({"x": x, "y": y})
    data = ContinuousPoisoning(("x", "y"), edits=1.0, direction=direction).apply(table, seed=0).data
    given_out = data["y"].to_numpy()[np.argsort(x)]
    np.testing.assert_array_equal(given_out, np.sort(y) if direction == "positive" else np.sort(y)[::-1])


def test_subset_has_the_size_asked_for_and_rows_outside_stay() -> None:
    rng = np.random.default_rng(1)
    table = pa.table({"x": rng.normal(size=2000), "y": rng.normal(size=2000)})
    poisoned = ContinuousPoisoning(("x", "y"), edits=0.1).apply(table, seed=0)
    assert 190 <= len(poisoned.key.rows) <= 200
    outside = np.setdiff1d(np.arange(2000), poisoned.key.rows)
    assert poisoned.data.take(outside).equals(table.take(outside))


def test_correlations_agree_with_scipy() -> None:
    rng = np.random.default_rng(2)
    table = pa.table({"x": rng.integers(0, 20, 500), "y": rng.normal(size=500)})
    poisoned = ContinuousPoisoning(("x", "y"), edits=0.2).apply(table, seed=0)
    for data, measures in (
        (table, poisoned.key.moves[0].before),
        (poisoned.data, poisoned.key.moves[0].after),
    ):
        x, y = data["x"].to_numpy(), data["y"].to_numpy()
        assert measures["pearson"] == pytest.approx(pearsonr(x, y).statistic)
        assert measures["spearman"] == pytest.approx(spearmanr(x, y).statistic)


def test_ties_cause_no_edits_of_their_own() -> None:
    table = pa.table({"x": [1, 1, 1, 2, 2, 2], "y": [3, 1, 2, 6, 4, 5]})
    poisoned = ContinuousPoisoning(("x", "y"), edits=1.0).apply(table, seed=0)
    assert poisoned.data.equals(table)
    assert (poisoned.key.rows, poisoned.key.moves[0].direction) == ((), "none")


def test_dates_decimals_and_infinities() -> None:
    table = pa.table(
        {
            "day": [date(2024, 1, 1) + timedelta(days=(7 * i) % 10) for i in range(10)],
            "price": [Decimal(i) / 4 for i in range(10)],
            "size": [float("-inf"), float("nan"), 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, float("inf")],
        }
    )
    poisoned = ContinuousPoisoning(("day", "price"), edits=1.0).apply(table, seed=0)
    order = np.argsort(np.array(table["day"].to_pylist()), kind="stable")
    prices = poisoned.data["price"].to_pylist()
    assert [prices[i] for i in order] == sorted(table["price"].to_pylist())
    assert poisoned.key.moves[0].after["pearson"] == pytest.approx(1.0)
    poisoned = ContinuousPoisoning(("day", "size"), edits=1.0).apply(table, seed=0)
    assert poisoned.key.moves[0].rows_missing == 1
    assert np.isnan(poisoned.key.moves[0].after["pearson"])
    assert poisoned.key.moves[0].after["spearman"] == pytest.approx(1.0)


def test_same_seed_same_result_other_seed_another() -> None:
    rng = np.random.default_rng(3)
    table = pa.table({"x": rng.normal(size=300), "y": rng.normal(size=300)})
    attack = ContinuousPoisoning(("x", "y"), edits=0.3)
    first, second, third = (attack.apply(table, seed=seed) for seed in (1, 1, 2))
    assert first.data.equals(second.data)
    assert first.key == second.key
    assert first.key.rows != third.key.rows


RNG = np.random.default_rng(7)
MIXED = pa.table(
    {
        "x": RNG.normal(size=4000),
        "y": RNG.gamma(2.0, size=4000),
        "z": RNG.integers(0, 50, 4000),
        "site": RNG.choice(["a", "b", "c"], 4000),
        "sex": RNG.choice([True, False], 4000),
    }
)


def pearson(table: pa.Table, a: str = "x", b: str = "y") -> float:
    return float(pearsonr(table[a].to_numpy(), table[b].to_numpy()).statistic)


@pytest.mark.parametrize("target", [-0.85, -0.5, -0.1, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("columns", [("x", "y"), ("z", "x")])
def test_target_correlation_is_met_up_and_down(target: float, columns: tuple[str, str]) -> None:
    poisoned = ContinuousPoisoning(columns, correlation=target).apply(MIXED, seed=3)
    (move,) = poisoned.key.moves
    assert pearson(poisoned.data, *columns) == pytest.approx(target, abs=1e-3)
    assert move.after["pearson"] == pytest.approx(pearson(poisoned.data, *columns), abs=1e-9)
    assert move.direction == ("positive" if target > move.before["pearson"] else "negative")
    edited = columns[1]
    assert sorted(poisoned.data[edited].to_pylist()) == sorted(MIXED[edited].to_pylist())
    (size,) = poisoned.key.details["size_rows"]
    assert len(poisoned.key.rows) == poisoned.key.details["edited_rows"][0] <= size
    again = ContinuousPoisoning(columns, edits=size / 4000, direction=move.direction).apply(MIXED, seed=3)
    assert again.data.equals(poisoned.data)
    AnswerKey.from_json(poisoned.key.to_json())


@settings(max_examples=20, deadline=None)
@given(st.integers(5, 30), st.integers(0, 99), st.floats(0.02, 0.98))
def test_target_at_small_sizes_is_as_near_as_whole_rows_allow(rows: int, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    table = pa.table({"x": rng.normal(size=rows), "y": rng.normal(size=rows)})
    source = open_source(table)

    def reached(**size: float) -> float:
        return ContinuousPoisoning(("x", "y"), **size).plan(source, None, seed).moves[0].after["pearson"]

    now = pearson(table)
    curve = [now, *(reached(edits=m / rows) for m in range(2, rows + 1))]
    target = now + share * (curve[-1] - now)
    step = np.abs(np.diff(curve)).max(initial=1e-5)
    try:
        found = reached(correlation=target)
    except InfeasibleError:
        found = now
    assert abs(found - target) <= step
    assert min(abs(found - r) for r in curve) < 1e-12


@settings(max_examples=60, deadline=None)
@given(rows=columns, positive=st.booleans(), passes=st.integers(1, 30))
def test_passes_are_those_of_the_theorem(
    rows: list[tuple[int | None, float | None]], positive: bool, passes: int
) -> None:
    table = pa.table({"x": pa.array([x for x, _ in rows], pa.int64()), "y": [y for _, y in rows]})
    x, y = complete(table)
    if len(x) < 2:
        return
    direction = "positive" if positive else "negative"
    poisoned = ContinuousPoisoning(("x", "y"), passes=passes, direction=direction).apply(table, seed=0)
    sign = 1 if positive else -1
    order = np.lexsort((y, sign * x))
    expected, _ = oracles.neighbour_exchanges((sign * x[order]).tolist(), y[order].tolist(), passes)
    assert complete(poisoned.data)[1][order].tolist() == expected
    assert poisoned.key.details["size_rows"] == [len(x)]


def test_strata_keep_their_own_values() -> None:
    attack = ContinuousPoisoning(("x", "y"), correlation=0.4, strata=["site", "sex"])
    poisoned = attack.apply(MIXED, seed=0)
    assert pearson(poisoned.data) == pytest.approx(0.4, abs=1e-3)
    for names in (("site", "sex", "y"), ("site", "sex", "x")):
        before, after = (
            Counter(zip(*(t[n].to_pylist() for n in names), strict=True)) for t in (MIXED, poisoned.data)
        )
        assert before == after
    passes = ContinuousPoisoning(("x", "y"), passes=400, strata=["site"]).apply(MIXED, seed=0)
    pairs = [
        Counter(zip(t["site"].to_pylist(), t["y"].to_pylist(), strict=True)) for t in (MIXED, passes.data)
    ]
    assert pairs[0] == pairs[1]
    assert passes.key.moves[0].after["pearson"] > passes.key.moves[0].before["pearson"] + 0.1


def test_one_slice_only() -> None:
    attack = ContinuousPoisoning(("x", "y"), correlation=-0.3, where={"site": "b"})
    poisoned = attack.apply(MIXED, seed=0)
    inside = np.array(MIXED["site"].to_pylist()) == "b"
    assert poisoned.data.filter(pa.array(~inside)).equals(MIXED.filter(pa.array(~inside)))
    assert pearson(poisoned.data.filter(pa.array(inside))) == pytest.approx(-0.3, abs=1e-3)
    (move,) = poisoned.key.moves
    assert (move.where, move.rows) == ({"site": "b"}, int(inside.sum()))


def test_several_pairs_one_after_the_other() -> None:
    pairs = (("x", "y"), ("y", "z"))
    poisoned = ContinuousPoisoning(pairs, correlation=0.6).apply(MIXED, seed=0)
    for pair, move in zip(pairs, poisoned.key.moves, strict=True):
        assert move.features == pair
        assert move.before["pearson"] == pytest.approx(pearson(MIXED, *pair), abs=1e-9)
        assert move.after["pearson"] == pytest.approx(pearson(poisoned.data, *pair), abs=1e-9)
        assert move.after["pearson"] == pytest.approx(0.6, abs=1e-3)
    changed = [
        row
        for row, (old, new) in enumerate(zip(MIXED.to_pylist(), poisoned.data.to_pylist(), strict=True))
        if old != new
    ]
    assert tuple(changed) == poisoned.key.rows
    for name in MIXED.column_names:
        assert Counter(MIXED[name].to_pylist()) == Counter(poisoned.data[name].to_pylist())


@pytest.mark.parametrize("size", [{"edits": 0.5}, {"passes": 3}, {"correlation": 0.6}])
def test_every_bit_is_kept(size: dict[str, float]) -> None:
    rng = np.random.default_rng(5)
    numbers = np.array([0.0, -0.0, 1e-320, -5.0, 0.1 + 0.2, np.nan] * 20)
    columns = {
        "wide": 2**62 + rng.integers(0, 9, 120),
        "float": rng.permutation(numbers),
        "half": pa.array(rng.permutation(numbers), pa.float16()),
        "coded": pa.array(rng.permutation(numbers)).dictionary_encode(),
    }
    table = pa.table({"x": rng.normal(size=120), **columns})
    for name in columns:
        poisoned = ContinuousPoisoning(("x", name), **size).apply(table, seed=1).data
        assert poisoned.schema == table.schema
        old, new = ([repr(v) for v in t[name].to_pylist()] for t in (table, poisoned))
        assert Counter(old) == Counter(new)
        assert old != new
        assert [v == "nan" for v in old] == [v == "nan" for v in new]


def test_only_what_is_needed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(MIXED, tmp_path / "clean.parquet")
    read: list[tuple[str, ...]] = []
    table = Source.table
    monkeypatch.setattr(
        Source, "table", lambda self, columns=None: (read.append(columns), table(self, columns))[1]
    )
    attack = ContinuousPoisoning(("x", "y"), edits=0.2, strata=["sex"], where={"site": "a"})
    plan = attack.plan(open_source(tmp_path / "clean.parquet"), None, 0)
    assert {name for columns in read for name in columns} == {"x", "y", "sex", "site"}
    assert [batch.num_rows for batch in plan.output.batches(["z"], size=1500)] == [1500, 1500, 1000]


@pytest.mark.parametrize(
    ("pair", "parameters", "text"),
    [
        (("x", "y"), {}, "give exactly one of edits, correlation and passes; found none of them"),
        (
            ("x", "y"),
            {"edits": 0.1, "passes": 2},
            "give exactly one of edits, correlation and passes; found edits=0.1 and passes=2",
        ),
        (("x", "y"), {"edits": 1.5}, "edits is a share of the rows, above 0 and at most 1; found 1.5"),
        (("x", "y"), {"correlation": 2}, "correlation is a number between -1 and 1; found 2"),
        (("x", "y"), {"correlation": "x"}, "correlation is a number between -1 and 1; found 'x'"),
        (("x", "y"), {"passes": 0}, "passes is a whole number of at least 1; found 0"),
        (("x", "y"), {"passes": 1.5}, "passes is a whole number of at least 1; found 1.5"),
        (("x", "y"), {"passes": True}, "passes is a whole number of at least 1; found True"),
        (
            ("x", "y"),
            {"edits": 0.1, "direction": "erase"},
            "unknown direction 'erase'; choose from positive, negative",
        ),
        (
            ("x", "y"),
            {"edits": 0.1, "strata": "site"},
            "strata are other columns than the pair, given as a list; found 'site'",
        ),
        (
            ("x", "y"),
            {"edits": 0.1, "strata": ["site", "y"]},
            "strata are other columns than the pair, given as a list; found 'y'",
        ),
        (
            ("x", "y"),
            {"edits": 0.1, "where": {"x": 1}},
            "where are other columns than the pair, given as a list; found 'x'",
        ),
        (
            (("x", "y"), ("z", "y")),
            {"edits": 0.1},
            "the pair ('z', 'y') edits 'y', which an earlier pair has; "
            "name a feature last that no earlier pair has",
        ),
        (
            (("x", "y"), ("z", "z")),
            {"edits": 0.1},
            "the pair names column 'z' twice; give two different columns",
        ),
    ],
)
def test_messages_of_wrong_parameters(pair: tuple, parameters: dict, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ContinuousPoisoning(pair, **parameters)
    assert str(caught.value) == text


def refusal(error: type[CredenzaError], attack: ContinuousPoisoning, table: pa.Table = MIXED) -> str:
    with pytest.raises(error) as caught:
        attack.apply(table, seed=0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_messages_of_what_cannot_be_reached() -> None:
    line = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 4.0, 3.0], "s": [0, 0, 1, 1]})
    attack = ContinuousPoisoning(("x", "y"), correlation=-0.2, strata=["s"])
    assert refusal(InfeasibleError, attack, line) == (
        "correlation -0.2 is beyond what re-pairing 'x' and 'y' reaches inside these strata; "
        "ask for one from 0.6 to 1"
    )
    square = pa.table({"x": [1.0, 2.0, 3.0], "y": [1.0, 9.0, 4.0]})
    assert refusal(InfeasibleError, ContinuousPoisoning(("x", "y"), correlation=-1), square) == (
        "correlation -1 is beyond what re-pairing 'x' and 'y' reaches; ask for one from -0.9897 to 0.9897"
    )
    assert refusal(InfeasibleError, ContinuousPoisoning(("x", "y"), correlation=0.8), line) == (
        "the correlation is 0.8000, as near to 0.8 as whole rows allow; ask for another"
    )
    attack = ContinuousPoisoning(("x", "y"), correlation=0.2, direction="positive")
    assert refusal(UsageError, attack, line) == (
        "direction='positive' contradicts correlation=0.2, as the data's is 0.8000; drop one of them"
    )
    for column in ([5.0] * 4, [1.0, 2.0, 3.0, float("inf")]):
        odd = pa.table({"x": line["x"], "y": column})
        assert refusal(InputError, ContinuousPoisoning(("x", "y"), correlation=0.2), odd) == (
            "columns 'x' and 'y' have no correlation to move: one is constant or holds an infinity; "
            "give edits or passes"
        )
    short = pa.table({"x": [1.0, None], "y": [1.0, 2.0]})
    for size in ({"edits": 1.0}, {"passes": 1}, {"correlation": 0.1}):
        assert refusal(InfeasibleError, ContinuousPoisoning(("x", "y"), **size), short) == (
            "1 rows have both 'x' and 'y'; re-pairing needs at least 2 complete rows"
        )
