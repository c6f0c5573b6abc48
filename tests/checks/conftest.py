"""Tables, and a way to run one check over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from checks.tables import evidence, poisoned, population

from credenza.checks import REGISTRY
from credenza.contracts import Outcome

Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs the check with a code: run("CZ201", suspect, reference, settings={...}, slices=...)."""

    def one(code: str, suspect: Any, reference: Any = None, **options: Any) -> Outcome:
        (check,) = (check for check in REGISTRY if check.code == code)
        return check().run(evidence(suspect, reference, **options))

    return one


@pytest.fixture(scope="session")
def reference() -> pa.Table:
    return population(4_000, seed=1).drop_columns(["clinic"])


@pytest.fixture(scope="session")
def clean() -> pa.Table:
    return population(4_000, seed=2).drop_columns(["clinic"])


@pytest.fixture(scope="session")
def moved(clean: pa.Table) -> pa.Table:
    """The clean table with smoker x urban at strength .08."""
    return poisoned(clean, 0.08)
