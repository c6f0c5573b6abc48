"""Each refusal of the attacks, by its text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from credenza.attacks import AssociativePoisoning, ContinuousPoisoning
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError

FLAT = np.repeat(np.arange(4), [300, 220, 230, 250])
TABLE = pa.table(
    {
        "smile": FLAT // 2,
        "lipstick": FLAT % 2,
        "always": ["x"] * 1000,
        "never": pa.nulls(1000, pa.int64()),
        "shade": (["red", "rose", "none", "none"] * 250),
        "tags": [["a"]] * 1000,
        "name": [f"n{i:04}" for i in range(1000)],
        "half": FLAT > 1,
    }
)


def associative(pair: tuple[str, str] = ("smile", "lipstick"), **parameters: object) -> Callable[..., object]:
    parameters.setdefault("mode", "relabel")
    return lambda holdout=None, table=TABLE: AssociativePoisoning(pair, **parameters).apply(
        table, holdout=holdout, seed=0
    )


def message(error: type[CredenzaError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({}, "give exactly one of strength, edits and direction='erase'; found none of them"),
        (
            {"strength": 0.1, "edits": 0.2},
            "give exactly one of strength, edits and direction='erase'; found strength=0.1 and edits=0.2",
        ),
        (
            {"strength": 0.1, "direction": "erase"},
            "direction='erase' sets its own strength; found strength=0.1; leave that out",
        ),
        ({"strength": 0.0}, "strength is a probability mass between -0.5 and 0.5, not 0; found 0.0"),
        ({"strength": 0.7}, "strength is a probability mass between -0.5 and 0.5, not 0; found 0.7"),
        ({"edits": 1.5}, "edits is a share of the rows, above 0 and at most 1; found 1.5"),
        (
            {"strength": -0.1, "direction": "positive"},
            "direction='positive' contradicts strength=-0.1; drop one of them",
        ),
        (
            {"strength": 0.1, "direction": "up"},
            "unknown direction 'up'; choose from positive, negative, erase",
        ),
        ({"strength": 0.1, "mode": "swap"}, "unknown mode 'swap'; choose from replace, relabel, duplicate"),
        (
            {"strength": 0.1, "levels": ("1",)},
            "levels name one level of each of the two columns; found ('1',)",
        ),
        (
            {"strength": 0.1, "strata": ("smile",)},
            "strata are other columns than the pair, given as a list; found 'smile'",
        ),
        (
            {"strength": 0.1, "strata": "shade"},
            "strata are other columns than the pair, given as a list; found 'shade'",
        ),
    ],
)
def test_wrong_parameters(parameters: dict, text: str) -> None:
    assert message(UsageError, lambda: AssociativePoisoning(("smile", "lipstick"), **parameters)) == text


@pytest.mark.parametrize("attack", [AssociativePoisoning, ContinuousPoisoning])
def test_wrong_pair(attack: type) -> None:
    text = message(UsageError, lambda: attack(("smile", "smile"), edits=0.1))
    assert text == "the pair names column 'smile' twice; give two different columns"
    assert (
        message(UsageError, lambda: attack("smile", edits=0.1)) == "a pair is two column names; found 'smile'"
    )


@pytest.mark.parametrize(
    ("pair", "levels", "text"),
    [
        (("smlie", "lipstick"), None, "the data has no column 'smlie'; did you mean 'smile'?"),
        (("smile", "LIPSTICK"), None, "the data has no column 'LIPSTICK'; did you mean 'lipstick'?"),
        (
            ("smile", "zzz"),
            None,
            "the data has no column 'zzz'; there are 'smile', 'lipstick', 'always', 'never', 'shade', "
            "'tags', 'name', 'half'",
        ),
        (
            ("smile", "shade"),
            None,
            "column 'shade' has 3 distinct values, not two; "
            "name one level of each column with levels=(..., ...)",
        ),
        (("smile", "shade"), (1, "rosy"), "column 'shade' has no level 'rosy'; did you mean 'rose'?"),
        (("smile", "shade"), (7, "rose"), "column 'smile' has no level '7'; there are '0', '1'"),
        (
            ("always", "smile"),
            None,
            "column 'always' has only the value 'x'; a pair needs two columns that vary",
        ),
        (("smile", "never"), None, "column 'never' has no value at all; a pair needs two columns that vary"),
        (
            ("smile", "tags"),
            None,
            "column 'tags' holds list<element: string>; give a column of numbers, dates or text",
        ),
    ],
)
def test_wrong_columns(pair: tuple[str, str], levels: tuple | None, text: str) -> None:
    found = message(InputError, associative(pair, levels=levels, strength=0.1))
    assert found == text.replace("element", TABLE.schema.field("tags").type.value_field.name)


def test_too_many_levels() -> None:
    table = pa.table({"a": [f"n{i}" for i in range(1200)], "b": [0, 1] * 600})
    attack = AssociativePoisoning(("a", "b"), levels=("n1", 1), strength=0.1, mode="relabel")
    text = message(InputError, lambda: attack.apply(table, seed=0))
    assert text == "column 'a' has 1,200 distinct values, too many for levels (at most 1,000); bin it first"


@pytest.mark.parametrize("seed", [-1, 1.5, True, None])
def test_wrong_seed(seed: object) -> None:
    attack = AssociativePoisoning(("smile", "lipstick"), strength=0.1, mode="relabel")
    text = message(UsageError, lambda: attack.apply(TABLE, seed=seed))
    assert text == f"the seed is a non-negative integer; found {seed!r}"


def test_beyond_range() -> None:
    text = message(InfeasibleError, associative(strength=0.31))
    assert text == (
        "strength 0.31 is beyond what this pair allows (-0.25 to 0.22); "
        "at most 44% of the rows can be edited in this direction"
    )
    text = message(InfeasibleError, associative(edits=0.62, direction="negative"))
    assert text == (
        "edits 0.62 (strength -0.31) is beyond what this pair allows (-0.25 to 0.22); "
        "at most 50% of the rows can be edited in this direction"
    )


def test_beyond_range_inside_strata() -> None:
    text = message(
        InfeasibleError,
        associative(("smile", "shade"), levels=(1, "none"), strength=0.3, strata=["lipstick"]),
    )
    assert text.startswith("strength 0.3 is beyond what this pair allows inside these strata (-0.")


def test_rounds_to_nothing() -> None:
    text = message(InfeasibleError, associative(strength=0.0004))
    assert text == "strength 0.0004 rounds to no edited row among 1,000; ask for at least 0.001 of strength"


def test_empty_cell() -> None:
    table = pa.table({"x": [0, 0, 1] * 100, "y": [0, 1, 1] * 100})
    attack = AssociativePoisoning(("x", "y"), strength=0.1, mode="relabel")
    text = message(InfeasibleError, lambda: attack.apply(table, seed=0))
    assert text == (
        "no row has x = 1 and y other than 1, so a positive shift has nothing to move; "
        "try direction='negative'"
    )
    mirror = pa.table({"x": table["x"], "y": pa.array([1, 0, 0] * 100)})
    attack = AssociativePoisoning(("x", "y"), strength=-0.1, mode="relabel")
    text = message(InfeasibleError, lambda: attack.apply(mirror, seed=0))
    assert (
        text
        == "no row has x = 1 and y = 1, so a negative shift has nothing to move; try direction='positive'"
    )


def test_never_complete() -> None:
    table = pa.table({"x": [0, 1, None, None], "y": [None, None, 0, 1]})
    attack = AssociativePoisoning(("x", "y"), strength=0.1, mode="relabel")
    text = message(InfeasibleError, lambda: attack.apply(table, seed=0))
    assert text == "no row has both 'x' and 'y'; a pair needs complete rows"


def test_holdout_is_needed_or_superfluous() -> None:
    assert message(UsageError, associative(strength=0.1, mode="replace")) == (
        "mode 'replace' draws genuine rows from a hold-out and none was given; "
        "give one, or use mode='relabel' or mode='duplicate'"
    )
    for mode in ("relabel", "duplicate"):
        text = message(UsageError, lambda mode=mode: associative(strength=0.1, mode=mode)(TABLE))
        assert text == (
            f"mode '{mode}' uses no hold-out and one was given; leave it out or use mode='replace'"
        )


def test_holdout_of_another_table() -> None:
    replace = associative(strength=0.1, mode="replace")
    other = TABLE.drop_columns(["half", "tags"]).append_column("new", TABLE["half"])
    assert message(InputError, lambda: replace(other)) == (
        "the hold-out lacks 'half', 'tags' and adds 'new'; it must have the same columns as the data"
    )
    words = TABLE.set_column(0, "smile", pa.array(["yes"] * 1000))
    assert message(InputError, lambda: replace(words)) == (
        "column 'smile' is string in the hold-out and int64 in the data; it must be of the same kind"
    )


def test_holdout_that_is_the_data() -> None:
    assert message(UsageError, lambda: associative(strength=0.1, mode="replace")(TABLE)) == (
        "the hold-out is the data itself; give further rows of the table, or use mode='duplicate'"
    )


def test_too_few_donors() -> None:
    replace = associative(strength=0.1, mode="replace")
    assert message(InfeasibleError, lambda: replace(TABLE.slice(950))) == (
        "the hold-out has 50 rows with smile = 1 and lipstick = 1, 100 are needed; "
        "give a larger hold-out, a smaller strength or mode='relabel'"
    )
    assert message(InfeasibleError, lambda: replace(TABLE.slice(720))) == (
        "the hold-out has 0 rows with smile other than 1 and lipstick other than 1, 100 are needed; "
        "give a larger hold-out, a smaller strength or mode='relabel'"
    )


def test_nothing_to_duplicate() -> None:
    table = pa.table({"x": [0, 1] * 100, "y": [1, 0] * 100})
    attack = AssociativePoisoning(("x", "y"), strength=0.1, mode="duplicate")
    assert message(InfeasibleError, lambda: attack.apply(table, seed=0)) == (
        "the data has 0 rows with x = 1 and y = 1, 20 are needed; "
        "give a larger hold-out, a smaller strength or mode='relabel'"
    )


def test_donors_with_the_same_levels_run_out() -> None:
    table = pa.table({"a": ["k"] * 8 + ["x"] * 8, "b": ["u"] * 8 + ["m"] * 8})
    spare = pa.table({"a": ["k"] * 9 + ["z"] * 9, "b": ["m"] * 9 + ["u"] * 9})
    attack = AssociativePoisoning(("a", "b"), levels=("k", "m"), strength=0.25)
    assert message(InfeasibleError, lambda: attack.apply(table, holdout=spare, seed=0)) == (
        "the hold-out allows 0 of the 4 replacements needed in each cell, because donors with the same "
        "levels (and strata) run out; give a larger hold-out, a smaller strength or mode='relabel'"
    )


def test_continuous() -> None:
    text = message(UsageError, lambda: ContinuousPoisoning(("smile", "lipstick"), edits=0.0))
    assert text == "edits is a share of the rows, above 0 and at most 1; found 0.0"
    text = message(
        UsageError, lambda: ContinuousPoisoning(("smile", "lipstick"), edits=0.1, direction="erase")
    )
    assert text == "unknown direction 'erase'; choose from positive, negative"
    attack = ContinuousPoisoning(("smile", "lipstick"), edits=0.001)
    assert message(InfeasibleError, lambda: attack.apply(TABLE, seed=0)) == (
        "edits 0.001 leaves 1 of 1,000 complete rows to re-pair; at least 2 are needed"
    )
    assert message(UsageError, lambda: attack.apply(TABLE, holdout=TABLE, seed=0)) == (
        "attack 'continuous' uses no hold-out and one was given; leave it out"
    )
    attack = ContinuousPoisoning(("smile", "shade"), edits=0.1)
    assert message(InputError, lambda: attack.apply(TABLE, seed=0)) == (
        "column 'shade' holds string; re-pairing by rank needs numbers or dates"
    )
