"""Privacy of a training: what may be asked for, the same noise and epsilon as opacus, what many rows cost."""

from __future__ import annotations

import json
import logging
import math
import sys
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.models.private import (
    Privacy,
    Spent,
    described,
    epsilon_of,
    noise_for,
    packed_history,
    read_history,
    undescribed,
)

pytest.importorskip("opacus")


def spent(epsilon: float, delta: float = 1e-5) -> Spent:
    return Spent(epsilon, delta, 1.0, 1.0, 0.1, 100, "rdp", False)


@pytest.mark.parametrize("mechanism", ["rdp", "prv"])
def test_epsilon_is_that_of_opacus_accountant(mechanism: str) -> None:
    from opacus.accountants import create_accountant

    judge = create_accountant(mechanism)
    for _ in range(40):
        judge.step(noise_multiplier=2.5, sample_rate=0.04)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = judge.get_epsilon(1e-5)
    assert epsilon_of([(2.5, 0.04, 40)], 1e-5, accountant=mechanism) == wanted


@pytest.mark.parametrize("mechanism", ["rdp", "prv"])
def test_noise_is_that_of_opacus_engine(mechanism: str) -> None:
    from opacus import PrivacyEngine

    rows, batch, epochs, target = 100, 20, 2, 1.0
    data = torch.utils.data.TensorDataset(torch.zeros(rows, 2), torch.zeros(rows, 1))
    net = torch.nn.Linear(2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, optimiser, _ = PrivacyEngine(accountant=mechanism).make_private_with_epsilon(
            module=net,
            optimizer=torch.optim.SGD(net.parameters(), 0.1),
            data_loader=torch.utils.data.DataLoader(data, batch_size=batch),
            target_epsilon=target,
            target_delta=1e-5,
            epochs=epochs,
            max_grad_norm=1.0,
        )
    steps = epochs * rows // batch
    noise = Privacy(epsilon=target, accountant=mechanism).multiplier(batch / rows, steps)
    assert noise == optimiser.noise_multiplier
    assert 0.98 < epsilon_of([(noise, batch / rows, steps)], 1e-5, accountant=mechanism) <= target


def test_noise_that_was_given_is_kept() -> None:
    assert Privacy(noise=1.25).multiplier(0.5, 10) == 1.25


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 20), st.floats(1e-12, 0.1), st.integers(1, 400))
def test_many_rows_cost_as_the_definition_says(epsilon: float, delta: float, k: int) -> None:
    whole, share = spent(epsilon, delta).of_rows(k)
    slow = 0.0
    for _ in range(k):  # P(D) <= e^epsilon P(D') + delta, k times
        slow = min(math.exp(epsilon) * slow + delta, 1.0)
    assert whole == pytest.approx(k * epsilon)
    assert share == pytest.approx(slow, rel=1e-6)
    most = spent(epsilon, delta).most_rows()
    assert spent(epsilon, delta).of_rows(most)[1] < 1 or most == 1
    assert spent(epsilon, delta).of_rows(most + 1)[1] == 1


def test_nothing_is_promised_of_thousands_of_rows() -> None:
    assert [spent(epsilon).most_rows() for epsilon in (8.0, 3.0, 1.0, 0.1)] == [2, 4, 12, 92]
    assert spent(8.0).of_rows(2_000) == (16_000.0, 1.0)
    assert spent(0.0).of_rows(3) == (0.0, pytest.approx(3e-5))
    assert spent(0.0, 0.25).most_rows() == 3


def test_what_is_saved_holds_no_seed() -> None:
    privacy = Privacy(epsilon=2.0, noise_seed=7, accountant="rdp")
    cost = privacy.spent([(2.0, 0.1, 50)])
    text = json.dumps(described(privacy, cost))
    assert undescribed(json.loads(text)) == (Privacy(epsilon=2.0, accountant="rdp"), cost)
    assert cost.repeatable
    assert cost.steps == 50
    assert undescribed({}) == (None, None)
    assert read_history(packed_history([(1.0, 0.5, 3), (2.0, 0.5, 1)])) == [(1.0, 0.5, 3), (2.0, 0.5, 1)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "privacy is asked for by epsilon or by noise, one of them; found neither"),
        (
            {"epsilon": 1.0, "noise": 1.0},
            "privacy is asked for by epsilon or by noise, one of them; found both",
        ),
        ({"epsilon": 0.0}, "epsilon is a number above 0; found 0.0"),
        ({"noise": math.inf}, "noise is a number above 0; found inf"),
        ({"epsilon": 1.0, "clip": math.nan}, "clip is a number above 0; found nan"),
        ({"epsilon": 1.0, "delta": 0.0}, "delta is a number above 0 and below 1; found 0.0"),
        ({"epsilon": 1.0, "accountant": "gdp"}, "the accountant is one of prv, rdp; found 'gdp'"),
        ({"epsilon": 1.0, "noise_seed": -1}, "noise_seed is a non-negative integer, or None; found -1"),
    ],
)
def test_what_cannot_be_asked_for(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Privacy(**given)
    assert str(caught.value) == message


def test_what_accountants_cannot_tell() -> None:
    with pytest.raises(
        UsageError, match=r"^epsilon 200 is more than the prv accountant can tell \(100\); take"
    ):
        noise_for(200.0, 1e-5, 0.1, 100)
    with pytest.raises(UsageError, match=r"^this noise costs an epsilon of about 547,579, more than the prv"):
        epsilon_of([(0.01, 0.1, 100)], 1e-5)
    with pytest.raises(UsageError, match=r"^no noise brings 100 steps down to epsilon 0.05 with the rdp"):
        noise_for(0.05, 1e-5, 0.1, 100, accountant="rdp")
    with pytest.raises(UsageError, match=r"^the number of rows is a whole number, 1 or more; found 0$"):
        spent(1.0).of_rows(0)
    with pytest.raises(
        InputError, match=r"^what the model says of its privacy is damaged \('privacy'\); save it"
    ):
        undescribed({"spent": {}})


def test_without_opacus_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opacus", None)
    with pytest.raises(
        MissingExtraError, match=r"^private training needs opacus, .*: pip install 'credenza\[private\]'$"
    ):
        epsilon_of([(1.0, 0.1, 10)], 1e-5)


def test_the_log_is_left_as_it_was() -> None:
    before = list(logging.getLogger().handlers), logging.getLogger().level
    epsilon_of([(1.0, 0.1, 10)], 1e-5, accountant="rdp")
    assert (logging.getLogger().handlers, logging.getLogger().level) == before
