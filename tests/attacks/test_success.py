"""The share of rows that obey a trigger, and its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from attacks.backdoor_worlds import TABLE, backdoor, message

from credenza.attacks.backdoor import attack_success_rate
from credenza.attacks.success import wilson
from credenza.errors import InputError, UsageError


def test_success_counts_turned_rows() -> None:
    made = backdoor(target=None, mapping="all-to-all").test_set(TABLE, seed=0)
    true = TABLE["kind"].to_pylist()
    right = [made.key.details["becomes"].get(kind) for kind in true]
    assert attack_success_rate(right, true, made.key).rate == 1.0
    assert attack_success_rate(pd.Series(true), np.array(true), made.key).rate == 0.0
    half = [a if row % 2 else b for row, (a, b) in enumerate(zip(right, true, strict=True))]
    hits = sum(row % 2 for row in made.key.rows)
    rate, interval = attack_success_rate(half, true, made.key)
    assert rate == hits / len(made.key.rows)
    assert interval[0] < rate < interval[1]


def test_the_interval_is_wilson_s() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for successes, trials in ((0, 5), (5, 5), (37, 90)):
        expected = proportion.proportion_confint(successes, trials, method="wilson")
        assert wilson(successes, trials) == pytest.approx(expected, abs=1e-12)


def test_success_needs_its_key_and_all_labels() -> None:
    made = backdoor().test_set(TABLE, seed=0)
    kinds = TABLE["kind"].to_pylist()
    text = message(InputError, lambda: attack_success_rate(kinds[:5], kinds, made.key))
    assert text == "predictions has 5 labels; the key is of 300 rows"
    text = message(InputError, lambda: attack_success_rate(kinds, ["bee"] * 300, made.key))
    assert text == "no row has the trigger and a label that should turn; give the test set's true labels"
    from credenza.attacks.associative import AssociativePoisoning

    table = pa.table({"a": [0, 0, 1, 1] * 25, "b": [0, 1, 0, 1] * 25})
    other = AssociativePoisoning(("a", "b"), strength=0.1, mode="relabel").apply(table, seed=0).key
    text = message(UsageError, lambda: attack_success_rate([0] * 100, [0] * 100, other))
    assert text == "success needs the key of a backdoor's test set; found attack 'associative'"
