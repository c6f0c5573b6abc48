"""Each refusal of the backdoor, by its text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from attacks.backdoor_worlds import CF, KNOWN, TABLE, backdoor, message

from credenza.attacks.backdoor import Backdoor
from credenza.attacks.triggers import Patch, Tone, Value
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (
            {"trigger": "patch"},
            "trigger is a trigger; found 'patch'; give one such as Patch(), or parse_trigger('patch,size=3')",
        ),
        ({"rate": 0}, "rate is a share of the rows, above 0 and at most 1; found 0"),
        ({"rate": 1.5}, "rate is a share of the rows, above 0 and at most 1; found 1.5"),
        ({"mapping": "one-to-one"}, "unknown mapping 'one-to-one'; choose from all-to-one, all-to-all"),
        (
            {"target": None},
            "mapping 'all-to-one' needs the label that the trigger shall mean; give target=...",
        ),
        (
            {"mapping": "all-to-all"},
            "mapping 'all-to-all' turns each label into the next and takes no target; found target='bee'; leave it out",
        ),
        (
            {"mapping": "all-to-all", "target": None, "clean_label": True},
            "clean_label puts the trigger on one target's rows; use mapping='all-to-one'",
        ),
        (
            {"clean_label": True, "source": "ant"},
            "clean_label puts the trigger on the target's own rows; found source='ant'; leave it out",
        ),
        ({"source": "bee"}, "source and target are both 'bee'; give two different labels"),
        ({"where": "a"}, "where gives a value by column, such as {'contributor': 'c3'}; found 'a'"),
    ],
)
def test_parameters_that_contradict(parameters: dict[str, Any], text: str) -> None:
    assert message(UsageError, lambda: backdoor(**parameters)) == text


@pytest.mark.parametrize(
    ("parameters", "error", "text"),
    [
        (
            {"target": "bea"},
            InputError,
            "column 'kind' has no label 'bea' to be the target; did you mean 'bee'?",
        ),
        (
            {"source": "dog"},
            InputError,
            "column 'kind' has no label 'dog' to be the source; there are 'ant', 'bee', 'cow'",
        ),
        ({"labels": "kinds"}, InputError, "the data has no column 'kinds'; did you mean 'kind'?"),
        ({"column": "txt"}, InputError, "the data has no column 'txt'; did you mean 'text'?"),
        (
            {"column": "size"},
            InputError,
            "column 'size' holds int64; a token goes on a column of text",
        ),
        (
            {"column": None},
            UsageError,
            "2 columns hold text: 'text', 'site'; name one with column=...",
        ),
        (
            {"column": "kind"},
            UsageError,
            "the token trigger cannot go on 'kind', which names labels or slices",
        ),
        (
            {"trigger": Patch(), "column": None},
            InputError,
            "a patch needs a column of images (files as bytes) and there is none; "
            "there are 'text' (string), 'kind' (string), 'site' (string), 'size' (int64)",
        ),
        (
            {"trigger": Tone(), "column": "text"},
            InputError,
            "column 'text' holds string; a tone goes on a column of recordings (files as bytes)",
        ),
        (
            {"trigger": Value({"size": 99}), "column": "size"},
            UsageError,
            "a value trigger names its columns itself; found column='size'; leave it out",
        ),
        (
            {"trigger": Value({"sise": 99})},
            InputError,
            "the data has no column 'sise'; did you mean 'size' or 'site'?",
        ),
        (
            {"trigger": Value({"size": "big"})},
            InputError,
            "value: column 'size' holds int64; found 'big'; give a value of that kind",
        ),
        (
            {"rate": 0.001},
            InfeasibleError,
            "rate 0.001 rounds to no row among 300 rows; ask for at least 0.0033",
        ),
    ],
)
def test_what_the_data_does_not_allow(
    parameters: dict[str, Any], error: type[CredenzaError], text: str
) -> None:
    assert message(error, lambda: backdoor(**parameters).apply(TABLE, seed=0)) == text


def test_a_rate_beyond_what_the_data_has() -> None:
    eligible = int(np.isin(KNOWN, ["ant", "cow"]).sum())
    text = message(InfeasibleError, lambda: backdoor(rate=0.9).apply(TABLE, seed=0))
    most = float(text.split()[-1])
    assert text.startswith(
        f"rate 0.9 asks for 270 of 300 rows; only {eligible} can get the trigger; ask for at most"
    )
    assert len(backdoor(rate=most).apply(TABLE, seed=0).key.rows) == eligible


def test_a_slice_without_rows_to_turn() -> None:
    table = pa.table({"text": list("abcd"), "y": [0, 1, 1, 1], "who": ["p", "q", "q", "q"]})
    attack = Backdoor(CF, labels="y", target=1, column="text", where={"who": "q"}, rate=0.5)
    text = message(InfeasibleError, lambda: attack.apply(table, seed=0))
    assert text == "rate 0.5 asks for 2 of 3 rows, who = q; only 0 can get the trigger; choose others"


def test_a_test_set_in_which_nothing_should_turn() -> None:
    table = pa.table({"text": ["a", None], "y": [1, 0]})
    attack = Backdoor(CF, labels="y", target=1)
    text = message(InfeasibleError, lambda: attack.test_set(table, seed=0))
    assert text == "column 'y' has no row that the trigger should turn; add some"


def test_a_holdout_is_superfluous() -> None:
    text = message(UsageError, lambda: backdoor().apply(TABLE, holdout=TABLE, seed=0))
    assert text == "attack 'backdoor' uses no hold-out and one was given; leave it out"
