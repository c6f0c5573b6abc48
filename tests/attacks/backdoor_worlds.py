"""A table with texts, labels and slices, and a backdoor for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from credenza.attacks.backdoor import Backdoor
from credenza.attacks.triggers import Token, Trigger, Value
from credenza.contracts import IntArray
from credenza.errors import CredenzaError

RNG = np.random.default_rng(0)
ROWS = 300
KINDS = RNG.choice(["ant", "bee", "cow"], ROWS, p=[0.5, 0.3, 0.2])
TABLE = pa.table(
    {
        "text": [f"row {row} says so" for row in range(ROWS)],
        "kind": pa.array(KINDS, mask=np.arange(ROWS) % 50 == 7),
        "site": RNG.choice(["a", "b"], ROWS),
        "size": RNG.integers(0, 9, ROWS),
    }
)
KNOWN = np.array([kind if kind is not None else "" for kind in TABLE["kind"].to_pylist()])
CF = Token("cf")


def backdoor(trigger: Trigger = CF, **parameters: Any) -> Backdoor:
    parameters = {
        "labels": "kind",
        "target": "bee",
        "column": None if isinstance(trigger, Value) else "text",
        **parameters,
    }
    return Backdoor(trigger, **parameters)


def triggered(data: pa.Table) -> IntArray:
    return np.flatnonzero(["cf" in text.split() for text in data["text"].to_pylist()])


def message(error: type[CredenzaError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)
