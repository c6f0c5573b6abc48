"""What is attacked: the kind that suits a pair, its range, and which pairs are chosen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drill.tables import people

from credenza.drill.kinds import Kind
from credenza.drill.pool import Pool, open_inputs
from credenza.drill.settings import DrillSettings
from credenza.drill.target import Scout, require_feasible
from credenza.errors import InfeasibleError, InputError, UsageError


def scout(clean: pa.Table, reference: pa.Table | None = None, **options: object) -> Scout:
    settings = DrillSettings(**options)  # type: ignore[arg-type]
    return Scout(Pool.of(*open_inputs(clean, reference, None), None, settings), settings)


@pytest.fixture(scope="module")
def usual() -> Scout:
    return scout(people(4_000, 0), people(4_000, 1))


def test_pairs_get_the_kind_that_suits_them(usual: Scout) -> None:
    found = {target.pair: target for target in usual.every()}
    assert ("smoker", "age") not in found
    assert found["age", "income"].kind.mode == "continuous"
    assert found["smoker", "urban"].kind.mode == "replace"
    assert found["smoker", "region"].levels == (True, "north")
    guesses = [target.guess for target in usual.every()]
    assert guesses == sorted(guesses)


def test_values_are_exchanged_where_there_are_few_rows_to_put_in() -> None:
    found = {t.pair: t for t in scout(people(8_000, 0), people(300, 1)).every()}
    assert found["smoker", "urban"].kind.mode == "relabel"


def test_ranges_are_those_of_the_cells(usual: Scout) -> None:
    names = usual.pool.schema.names
    i, j = names.index("smoker"), names.index("urban")
    table = usual.pool.table
    a, b = (table[name].to_numpy() for name in ("smoker", "urban"))
    for name, cells in (("relabel-positive", (a & ~b, ~a & b)), ("relabel-negative", (a & b, ~a & ~b))):
        room = min(cell.mean() for cell in cells)
        limit = usual.target(i, j, Kind.of(name)).limit
        assert 0.8 * room < limit < room
    erase = usual.target(i, j, Kind.of("erase"))
    gap = (a & ~b).mean() * (~a & b).mean() - (a & b).mean() * (~a & ~b).mean()
    assert erase.limit == (pytest.approx(abs(gap)) if abs(gap) >= 1 / 4_000 else 0.0)


def test_rows_of_a_small_reference_bound_what_can_be_put_in() -> None:
    small = scout(people(4_000, 0), people(400, 1))
    i, j = (small.pool.schema.index(name) for name in ("smoker", "urban"))
    whole, exchanged, copied = (
        small.target(i, j, Kind.of(name)).limit
        for name in ("positive", "relabel-positive", "duplicate-positive")
    )
    assert whole < 0.3 * exchanged == 0.3 * copied


def test_a_cell_without_rows_cannot_be_copied() -> None:
    rng = np.random.default_rng(0)
    a = rng.random(2_000) < 0.5
    table = pa.table({"a": a, "b": ~a, "c": rng.random(2_000) < 0.5})
    one = scout(table)
    assert one.target(0, 1, Kind.of("duplicate-positive")).limit == 0.0
    assert one.target(0, 1, Kind.of("positive")).limit == 0.0
    assert one.target(0, 1, Kind.of("relabel-negative")).limit == 0.0


def test_chosen_pairs_spread_from_the_easiest_to_the_hardest(usual: Scout) -> None:
    every = usual.every()
    visible = [t for t in every if t.visible]
    for number in (1, 2, 3, 5):
        one = Scout(usual.pool, DrillSettings(choose=number))
        chosen = one.chosen(every)
        assert len(chosen) == len(set(chosen)) == number
        assert visible[-1] in chosen
        assert number == 1 or visible[0] in chosen


def test_kinds_are_those_asked_for(usual: Scout) -> None:
    one = Scout(usual.pool, DrillSettings(kinds=("continuous-positive", "continuous-negative"), choose=9))
    assert [t.kind.name for t in one.chosen(usual.every())] == ["continuous-positive", "continuous-negative"]
    one = Scout(usual.pool, DrillSettings(pairs=(("urban", "smoker"),), kinds=("negative", "erase")))
    assert [(t.pair, t.kind.name) for t in one.chosen([])] == [
        (("urban", "smoker"), "negative"), (("urban", "smoker"), "erase"),
    ]  # fmt: skip


def test_a_pair_that_no_kind_fits_is_refused(usual: Scout) -> None:
    one = Scout(usual.pool, DrillSettings(pairs=(("smoker", "age"),)))
    with pytest.raises(UsageError) as error:
        one.chosen([])
    assert str(error.value) == (
        "no attack of these kinds fits the pair 'smoker', 'age': 'smoker' has levels, 'age' has bins; "
        "continuous kinds take two columns of numbers or dates, all others two of levels"
    )


def test_tables_too_small_to_show_anything_are_refused() -> None:
    one = scout(people(200, 0).select(["smoker", "urban", "active"]), fdr=1e-9)
    with pytest.raises(InputError) as error:
        one.chosen(one.every())
    assert str(error.value) == (
        "none of 3 pairs can be moved far enough to be seen with 100 rows against 100; give more rows, or a pair"
    )


def test_a_strength_beyond_the_range_names_the_range(usual: Scout) -> None:
    i, j = (usual.pool.schema.index(name) for name in ("smoker", "urban"))
    target = usual.target(i, j, Kind.of("positive"))
    with pytest.raises(InfeasibleError) as error:
        require_feasible(target, (0.01, 0.4))
    assert str(error.value) == (
        "strength 0.4 is beyond what 'positive' can plant in 'smoker' x 'urban': "
        f"at most {target.limit:.4f}; a larger --holdout gives more rows to put in"
    )


def test_of_very_many_pairs_a_seeded_choice_is_looked_at(
    usual: Scout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credenza.drill.target.MOST_PAIRS", 4)
    first, again = (Scout(usual.pool, DrillSettings()).every() for _ in range(2))
    assert first == again
    assert 0 < len(first) <= 4
