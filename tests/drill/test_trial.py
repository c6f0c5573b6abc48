"""One run: what it deals out, plants and sees."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drill.tables import people

from credenza.checks import Settings
from credenza.data.progress import watch
from credenza.drill.kinds import KINDS, Kind
from credenza.drill.pool import Pool, open_inputs
from credenza.drill.settings import DrillSettings
from credenza.drill.target import Scout, Target
from credenza.drill.trial import Record, probed, trial
from credenza.errors import InfeasibleError


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool.of(*open_inputs(people(2_000, 0), people(2_000, 1), None), None, DrillSettings())


def target(pool: Pool, name: str) -> Target:
    pair = ("age", "income") if name.startswith("continuous") else ("smoker", "active")
    i, j = (pool.schema.index(x) for x in pair)
    return Scout(pool, DrillSettings()).target(i, j, Kind.of(name))


@pytest.mark.parametrize("name", KINDS)
def test_a_strong_attack_of_any_kind_is_named(pool: Pool, name: str) -> None:
    one = target(pool, name)
    strength = one.limit if name == "erase" else min(0.15, one.limit)
    assert trial(pool, one, strength, Settings(), (0, 1)).named


def test_without_an_attack_nothing_is_named(pool: Pool) -> None:
    found = [trial(pool, None, 0.0, Settings(), (0, 2, k)) for k in range(4)]
    assert not any(record.named for record in found)
    assert sum(record.alarm for record in found) <= 1


def test_a_seed_gives_the_same_run(pool: Pool) -> None:
    one = target(pool, "positive")
    for k in range(3):
        assert trial(pool, one, 0.03, Settings(), (1, k)) == trial(pool, one, 0.03, Settings(), (1, k))


def test_a_hold_out_gives_the_rows_that_are_put_in() -> None:
    held = people(40, 2)
    spare = held.set_column(0, "smoker", pa.array([True, False] * 20)).set_column(
        2, "active", pa.array([True, False] * 20)
    )
    pool = Pool.of(*open_inputs(people(2_000, 0), people(2_000, 1), spare), None, DrillSettings())
    trial(pool, target(pool, "positive"), 0.009, Settings(), (0,))  # 18 rows of either cell: there are 20
    with pytest.raises(
        InfeasibleError, match=r"the hold-out has 20 rows with smoker = true and active = true, 40 are"
    ):
        trial(pool, target(pool, "positive"), 0.02, Settings(), (0,))


def test_what_cannot_be_planted_is_one_line(pool: Pool) -> None:
    with pytest.raises(InfeasibleError) as error:
        trial(pool, target(pool, "relabel-positive"), 0.49, Settings(), (0,))
    line = str(error.value)
    assert line.startswith(
        "strength 0.49 of 'relabel-positive' on 'smoker' x 'active' could not be planted: "
    )
    assert "\n" not in line


def test_runs_are_silent(pool: Pool) -> None:
    class Loud:
        def __getattribute__(self, name: str) -> None:
            raise AssertionError(name)

    with watch(Loud()):  # type: ignore[arg-type]
        assert trial(pool, None, 0.0, Settings(), (3,)) is not None


def test_a_floor_is_heeded(pool: Pool) -> None:
    one = target(pool, "positive")
    assert trial(pool, one, 0.06, Settings(), (5,)).named
    assert trial(pool, one, 0.06, Settings(min_strength=0.08), (5,)) == Record(False, False, 0)
    assert np.isfinite(one.guess)


def test_a_limit_that_cannot_be_planted_is_narrowed() -> None:
    clean, reference = people(2_000, 0), people(2_000, 1)
    keep = np.array([r != "south" or k % 40 == 0 for k, r in enumerate(reference["region"].to_pylist())])
    pool = Pool.of(*open_inputs(clean, reference, reference.filter(keep)), None, DrillSettings())
    i, j = (pool.schema.index(x) for x in ("smoker", "region"))
    one = Scout(pool, DrillSettings()).target(i, j, Kind.of("negative"))
    narrower = probed(pool, one, 0)
    assert 0 < narrower.limit < one.limit
    for k in range(3):
        trial(pool, narrower, narrower.limit, Settings(), (8, k))


def test_limits_of_binary_pairs_need_no_trial(pool: Pool) -> None:
    one = target(pool, "positive")
    assert probed(pool, one, 0) is one
