"""The training loop: exact resumption, checkpoints that do not fit, progress; and states of torch modules."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credenza.data.progress import watch
from credenza.errors import InputError, UsageError
from credenza.models.device import random_stream
from credenza.models.digest import digest_of
from credenza.models.states import fill_module, fill_optimiser, module_arrays, optimiser_arrays
from credenza.models.store import packed
from credenza.models.training import Shown, State, train


class KilledError(Exception):
    """What a test raises in the middle of a training."""


class Regression:
    """A small network and Adam; batches drawn by (seed, step); dies before step ``fatal``."""

    def __init__(self, fatal: int = -1, seed: int = 0) -> None:
        torch.manual_seed(0)
        self.net = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.Flatten(), torch.nn.Linear(16, 1))
        self.net = self.net.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=0.01)
        self.fatal, self.seed, self.ran = fatal, seed, 0

    def step(self, index: int) -> torch.Tensor:
        if index == self.fatal:
            raise KilledError
        self.ran += 1
        x = torch.randn(8, 2, 4, 4, generator=random_stream(torch.device("cpu"), self.seed, index))
        loss = (self.net(x).squeeze(1) - x.sum((1, 2, 3))).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def state(self) -> State:
        return {**module_arrays(self.net, "net."), **optimiser_arrays(self.optimiser), "rate": 0.01}

    def restore(self, state: State) -> None:
        assert state["rate"] == 0.01
        fill_module(self.net, state, "net.")
        fill_optimiser(self.optimiser, state)


class Silent:
    """A job without a state."""

    def __init__(self, loss: float = 1.0) -> None:
        self.loss, self.ran = loss, 0

    def step(self, index: int) -> float:
        self.ran += 1
        return self.loss

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        assert state == {}


def same(one: State, two: State) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("fatal", [1, 4, 7, 11])
def test_a_killed_training_ends_as_if_it_had_not_been(tmp_path: Path, fatal: int) -> None:
    whole = Regression()
    train(whole, steps=12)
    with pytest.raises(KilledError):
        train(Regression(fatal), steps=12, folder=tmp_path, every=3)
    again = Regression()
    train(again, steps=12, folder=tmp_path, every=3)
    assert again.ran == 12 - fatal // 3 * 3
    assert same(again.state(), whole.state())
    finished = Regression()
    train(finished, steps=12, folder=tmp_path)
    assert finished.ran == 0
    assert same(finished.state(), whole.state())


def test_more_steps_go_on_from_fewer(tmp_path: Path) -> None:
    whole, again = Regression(), Regression()
    train(whole, steps=6)
    train(Regression(), steps=4, folder=tmp_path / "new")
    train(again, steps=6, folder=tmp_path / "new")
    assert same(again.state(), whole.state())
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["checkpoint.safetensors"]


def test_a_checkpoint_that_does_not_fit_is_one_line(tmp_path: Path) -> None:
    train(Silent(), steps=5, folder=tmp_path, key="one")
    file = tmp_path / "checkpoint.safetensors"
    with pytest.raises(
        InputError,
        match=f"^{re.escape(str(file))} was made from other data or settings, or with another seed; give another fol",
    ):
        train(Silent(), steps=5, folder=tmp_path, key="two")
    with pytest.raises(InputError, match=r"is at step 5; found 4 steps asked for: ask for 5 or more$"):
        train(Silent(), steps=4, folder=tmp_path, key="one")
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(InputError, match=r"is damaged \(.+\); give a whole safetensors file$"):
        train(Silent(), steps=5, folder=tmp_path, key="one")
    file.write_bytes(packed({"a": np.ones(1)}))
    with pytest.raises(InputError, match=r"has the schema None; a checkpoint has 'credenza.checkpoint/1'$"):
        train(Silent(), steps=5, folder=tmp_path, key="one")


def test_bad_numbers_and_folders_are_one_line(tmp_path: Path) -> None:
    bad: Any
    for bad in (-1, 1.0, True):
        with pytest.raises(UsageError, match=f"^steps is a whole number, 0 or more; found {bad!r}$"):
            train(Silent(), steps=bad)
    with pytest.raises(UsageError, match=r"^every is a whole number, 1 or more; found 0$"):
        train(Silent(), steps=1, every=0)
    with pytest.raises(UsageError, match=r"^cannot keep checkpoints in .*c: no folder .*b; create it first$"):
        train(Silent(), steps=1, folder=tmp_path / "b" / "c")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^cannot keep checkpoints in .*file: it is a file; give a folder$"):
        train(Silent(), steps=1, folder=tmp_path / "file")


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path, loss: float) -> None:
    with pytest.raises(
        UsageError, match=f"^ddpm: the loss is {loss} after step 1; use a lower learning rate$"
    ):
        train(Silent(loss), steps=3, folder=tmp_path, every=1, label="ddpm")
    assert not list(tmp_path.iterdir())


class Told:
    """A sink of progress that writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def start(self, label: str, total: int | None) -> None:
        self.heard.append(("start", label, total))

    def advance(self, rows: int) -> None:
        self.heard.append(("advance", rows))

    def done(self) -> None:
        self.heard.append(("done",))

    def announce(self, text: str) -> None:
        self.heard.append(("announce", text))


def test_progress_is_shown_and_ends_even_when_the_training_fails() -> None:
    told = Told()
    with watch(told), pytest.raises(KilledError):
        train(Regression(fatal=2), steps=1000, label="regression")
    start, done = told.heard
    assert re.fullmatch(r"regression, step 1 of 1,000, loss [\d.]+, \d+:\d\d left", start[1])
    assert done == ("done",)


def test_a_training_with_nothing_to_do_says_nothing() -> None:
    told = Told()
    with watch(told):
        train(Silent(), steps=0)
    assert told.heard == []


def test_words_of_progress() -> None:
    shown = Shown("vae", 100, 400)
    shown.look(100, 2.0)
    assert shown.words(100, 0.0) == "vae, step 100 of 400, loss 2"
    shown.look(200, 1.0)
    assert shown.words(200, 50.0) == "vae, step 200 of 400, loss 1.9, 1:40 left"


def test_arrays_that_do_not_fit_a_module_are_one_line() -> None:
    net = torch.nn.Linear(2, 1)
    arrays = module_arrays(net)
    with pytest.raises(InputError, match=r"^the model's file lacks the tensor 'bias'; save the model again$"):
        fill_module(net, {"weight": arrays["weight"]})
    with pytest.raises(
        InputError, match=r"^the tensor 'weight' has the shape \(1, 3\); its settings ask for"
    ):
        fill_module(net, arrays | {"weight": np.ones((1, 3), np.float32)})


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_digests_tell_texts_apart(one: list[str], two: list[str]) -> None:
    assert (digest_of(one) == digest_of(two)) == (one == two)


def test_digests_tell_kinds_apart() -> None:
    table = pa.table({"a": [1, 2, 3]})
    cut = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert digest_of(table) == digest_of(cut)
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    parts: list[Any] = [
        table,
        pa.table({"b": [1, 2, 3]}),
        pa.table({"a": [1, 2, 4]}),
        np.zeros(4, np.uint8),
        np.zeros((2, 2), np.uint8),
        np.zeros(1, np.float32),
        {"a": 1},
        ["a"],
        3,
        "3",
        None,
    ]
    assert len({digest_of(part) for part in parts}) == len(parts)
    assert digest_of(1, 2) != digest_of(2, 1)
    assert digest_of(np.arange(6).reshape(2, 3).T) == digest_of(np.arange(6).reshape(2, 3).T.copy())
