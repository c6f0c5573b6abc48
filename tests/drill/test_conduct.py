"""A whole drill: what it finds, that it repeats, that it goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from drill.tables import people

from credenza.drill import Drill, drill
from credenza.drill.journal import journal
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError

CLEAN, REFERENCE = people(1_500, 0), people(2_000, 1)
SMALL: dict[str, Any] = {
    "pairs": [("smoker", "urban")],
    "strengths": [0.01, 0.08],
    "runs": 3,
    "null_runs": 3,
    "columns": ["smoker", "urban", "active"],
}


def told(result: Drill) -> dict[str, Any]:
    """All but what may differ between two drills that are the same."""
    document = result.to_dict()
    del document["timing"], document["settings"]["jobs"]
    return document


@pytest.fixture(scope="module")
def small() -> Drill:
    return drill(CLEAN, REFERENCE, **SMALL)


def test_a_drill_tells_small_attacks_from_large_ones(small: Drill) -> None:
    (exercise,) = small.exercises
    weak, strong = exercise.points
    assert (weak.strength, weak.rows_edited, strong.rows_edited) == (0.01, 30, 240)
    assert weak.named < strong.named == 3
    assert strong.expected_named > 0.99
    assert exercise.levels == ("true", "true")
    assert small.undisturbed is not None
    assert small.undisturbed.verdict == "clear"
    assert (small.suspect_rows, small.reference_rows, small.null_runs) == (1_500, 2_000, 3)
    assert [given.role for given in small.inputs] == ["clean", "reference"]


def test_the_same_seed_gives_the_same_drill_and_another_one_does_not(small: Drill) -> None:
    assert told(drill(CLEAN, REFERENCE, **SMALL)) == told(small)
    between = SMALL | {"strengths": [0.02, 0.025], "null_runs": 0, "runs": 6}
    first, second = (drill(CLEAN, REFERENCE, **between, seed=seed) for seed in (1, 2))
    assert [p.named for p in first.exercises[0].points] != [p.named for p in second.exercises[0].points]


def test_a_drill_that_was_stopped_goes_on(small: Drill, tmp_path: Path) -> None:
    path, seen = tmp_path / "j.jsonl", []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drill(CLEAN, REFERENCE, **SMALL, journal=path, progress=stop)
    assert seen == [(k, 9) for k in range(1, 5)]
    assert len(path.read_text().splitlines()) == 5
    seen.clear()
    again = drill(CLEAN, REFERENCE, **SMALL, journal=path, progress=lambda *at: seen.append(at))
    assert seen == [(k, 9) for k in range(5, 10)]
    assert told(again) == told(small)


def test_more_runs_build_on_a_journal(tmp_path: Path) -> None:
    path, seen = tmp_path / "j.jsonl", []
    drill(CLEAN, REFERENCE, **SMALL, journal=path)
    more = drill(CLEAN, REFERENCE, **SMALL | {"runs": 4}, journal=path, progress=lambda *at: seen.append(at))
    assert seen == [(10, 11), (11, 11)]
    assert [point.runs for point in more.exercises[0].points] == [4, 4]


@pytest.mark.parametrize("change", [{"seed": 3}, {"strengths": [0.02]}, {"fdr": 0.1}])
def test_a_journal_of_another_drill_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "j.jsonl"
    drill(CLEAN, REFERENCE, **SMALL | {"null_runs": 1, "runs": 1}, journal=path)
    with pytest.raises(UsageError, match=r"is of other data, settings or another version; give another file"):
        drill(CLEAN, REFERENCE, **SMALL | {"null_runs": 1, "runs": 1} | change, journal=path)
    with pytest.raises(UsageError, match="is of other data"):
        drill(CLEAN, people(2_000, 5), **SMALL | {"null_runs": 1, "runs": 1}, journal=path)


def test_without_a_reference_the_rows_are_split() -> None:
    result = drill(CLEAN, **SMALL | {"strengths": [0.02], "runs": 1, "null_runs": 0}, split=0.4)
    assert (result.suspect_rows, result.reference_rows) == (600, 900)
    assert result.undisturbed is None


def test_a_drifted_reference_is_told() -> None:
    shifted = REFERENCE.set_column(1, "urban", REFERENCE["smoker"])
    result = drill(CLEAN, shifted, **SMALL | {"strengths": [0.02], "runs": 1, "null_runs": 0})
    assert result.undisturbed is not None
    assert result.undisturbed.verdict == "flagged"
    assert set(result.undisturbed.culprits[0]) == {"smoker", "urban"}


def test_pairs_kinds_and_strengths_are_chosen() -> None:
    names = ["smoker", "urban", "active", "age", "income"]
    result = drill(people(3_000, 0), people(3_000, 1), pairs=3, runs=1, null_runs=0, columns=names)
    assert len(result.exercises) == 3
    for exercise in result.exercises:
        assert len(exercise.points) >= 4
        assert exercise.points[0].strength < exercise.expected[0] < exercise.strongest
    expected = [exercise.expected[0] for exercise in result.exercises]
    assert expected == sorted(expected)
    assert result.pairs > 3
    assert result.weakest


@pytest.mark.parametrize("kind", ["erase", "duplicate-positive", "relabel-negative"])
def test_other_kinds_are_planted(kind: str) -> None:
    pair = ("smoker", "active")
    result = drill(
        CLEAN, REFERENCE, pairs=[pair], kinds=[kind], runs=2, null_runs=0, columns=SMALL["columns"]
    )
    (exercise,) = result.exercises
    assert (exercise.kind, exercise.features) == (kind, pair)
    assert (exercise.caught is None) == (kind == "erase") == (len(exercise.points) == 1)


def bad() -> Iterator[tuple[dict[str, Any], type[CredenzaError], str]]:
    yield (
        {"pairs": [("smokr", "urban")]},
        UsageError,
        "column 'smokr' of a pair is not there; did you mean 'smoker'?",
    )
    yield {"pairs": [("smoker", "id")]}, UsageError, "column 'id' of a pair was left out: "
    yield (
        {"strengths": [0.45]},
        InfeasibleError,
        "strength 0.45 is beyond what 'positive' can plant in 'smoker' x ",
    )
    yield {"jobs": 0}, UsageError, "jobs is the number of processes, 1 or more; found 0"
    yield (
        {"kinds": ["continuous-positive"]},
        UsageError,
        "no attack of these kinds fits the pair 'smoker', 'urban': ",
    )


@pytest.mark.parametrize(("change", "kind", "message"), list(bad()))
def test_bad_input_is_one_line(change: dict[str, Any], kind: type[CredenzaError], message: str) -> None:
    with pytest.raises(kind) as error:
        drill(CLEAN, REFERENCE, **SMALL | {"columns": None} | change)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_small_table_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"^a suspect of 50 rows is too small for a drill; each side needs 100"
    ):
        drill(people(50, 0), REFERENCE)


def test_an_erasure_that_there_is_nothing_for_is_refused() -> None:
    table = pa.table(
        {"a": [False, True] * 400, "b": [False, False, True, True] * 200, "c": [True, False] * 400}
    )
    with pytest.raises(
        InfeasibleError, match=r"'erase' cannot be planted in 'a' x 'b': nothing to erase, or too few"
    ):
        drill(table, pairs=[("a", "b")], kinds=["erase"])


def test_the_journal_is_written_through(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    drill(CLEAN, REFERENCE, **SMALL | {"runs": 1, "null_runs": 1}, journal=path)
    header = path.read_text().splitlines()[0]
    key = json.loads(header)["key"]
    with journal(path, key) as book:
        assert len(book.done) == 3
