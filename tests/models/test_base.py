"""Generators: the order of calls, seeds, saving and loading through the store."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from credenza.errors import InputError, UsageError
from credenza.models import Generator
from credenza.models.base import Tensors, require_seed


class Bootstrap(Generator[list[str]]):
    """Draws the texts it was fitted to, with replacement."""

    kind = "bootstrap"

    def __init__(self) -> None:
        self.texts: list[str] = []

    @property
    def fitted(self) -> bool:
        return bool(self.texts)

    def fit(self, data: list[str], *, seed: int, folder: str | os.PathLike[str] | None = None) -> Self:
        self.texts = data
        return self

    def sample(self, n: int, *, seed: int) -> list[str]:
        self._ready(n, seed)
        chosen = np.random.default_rng(seed).integers(len(self.texts), size=n)
        return [self.texts[k] for k in chosen]

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        return {"texts": self.texts}, {"count": np.array(len(self.texts))}

    @classmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        assert int(tensors["count"]) == len(settings["texts"])
        return cls().fit(settings["texts"], seed=0)


class Other(Bootstrap):
    kind = "other"


def test_a_model_comes_back_from_its_folder(tmp_path: Path) -> None:
    model = Bootstrap().fit(["a", "b", "c"], seed=0)
    model.save(tmp_path / "m")
    assert Bootstrap.load(tmp_path / "m").sample(20, seed=1) == model.sample(20, seed=1)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    Bootstrap().fit(["a"], seed=0).save(tmp_path / "m")
    with pytest.raises(InputError, match=r"m holds a model of kind 'bootstrap'; a 'other' is needed$"):
        Other.load(tmp_path / "m")


def test_nothing_goes_before_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this bootstrap model cannot sample before it is fitted; call fit"):
        Bootstrap().sample(1, seed=0)
    with pytest.raises(
        UsageError, match="this bootstrap model cannot be saved before it is fitted; call fit"
    ):
        Bootstrap().save(tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "3"])
def test_the_number_to_sample_is_checked(n: Any) -> None:
    message = f"the number to sample is a whole number, 1 or more; found {n!r}"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        Bootstrap().fit(["a"], seed=0).sample(n, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, False, None])
def test_seeds_are_checked(seed: Any) -> None:
    with pytest.raises(
        UsageError, match=f"^the seed is a non-negative integer; found {re.escape(repr(seed))}$"
    ):
        Bootstrap().fit(["a"], seed=0).sample(1, seed=seed)
    require_seed(np.int64(3))


def test_the_room_is_light_and_says_what_is_missing() -> None:
    code = (
        "import sys, credenza.models\n"
        "assert not {'torch', 'diffusers', 'safetensors'} & set(sys.modules)\n"
        "sys.modules['torch'] = None\n"
        "try: credenza.models.pick_device\n"
        "except ValueError as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "MissingExtraError pick_device needs torch, which is not installed: pip install 'credenza[torch]'"
    )


def test_names_of_the_room() -> None:
    import credenza.models as room

    assert len(set(room.__all__)) == len(room.__all__)
    assert set(room.__all__) <= set(dir(room))
    for name in room.__all__:
        assert getattr(room, name) is not None
    with pytest.raises(AttributeError, match=r"'credenza.models' has no attribute 'Oracle'; its names are "):
        _ = room.Oracle
