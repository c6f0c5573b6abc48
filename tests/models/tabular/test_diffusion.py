"""Tabular diffusion: associations are learnt, by seed; fits resume bit for bit; files hold the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from mixed_tables import associations, binary_table, mixed_table

from credenza.data.progress import watch
from credenza.errors import InputError, UsageError
from credenza.models.tabular import TabularDiffusion

TINY = {"steps": 6, "batch": 16, "width": 8, "depth": 1, "bins": 4}


class KilledError(Exception):
    pass


class Killer:
    """Ends a training from outside, after so many looks at its progress."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def start(self, label: str, total: int | None) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise KilledError

    def advance(self, rows: int) -> None: ...
    def done(self) -> None: ...
    def announce(self, text: str) -> None: ...


def test_pairs_and_triples_are_learnt() -> None:
    table = binary_table(4_000, columns=3)
    third = np.logical_xor(table["c0"].to_numpy(), np.random.default_rng(1).random(4_000) < 0.5)
    odd = np.logical_xor(
        third, np.logical_xor(table["c0"].to_numpy(), np.random.default_rng(2).random(4_000) < 0.1)
    )
    table = table.append_column("u", pa.array(third)).append_column("v", pa.array(odd))
    model = TabularDiffusion(steps=250, batch=128, width=24, depth=2, learning_rate=1e-2).fit(table, seed=0)
    made = model.sample(6_000, seed=1)
    assert made.schema.equals(table.schema)
    assert np.abs(associations(made, table) - associations(table, table)).max() < 0.12
    together = np.mean(np.logical_xor.reduce([made[name].to_numpy() for name in ("c0", "u", "v")]))
    assert together < 0.2  # .1 in the data, .5 as far as pairs tell


def test_mixed_columns_keep_their_schema_and_values() -> None:
    table = mixed_table(300)
    made = TabularDiffusion(**TINY).fit(table, seed=0).sample(200, seed=1)
    assert made.schema.equals(table.schema)
    for name in table.column_names:
        assert set(made[name].to_pylist()) <= set(table[name].to_pylist())


def test_the_seed_decides() -> None:
    table = mixed_table(200)
    model = TabularDiffusion(**TINY).fit(table, seed=0)
    assert model.sample(50, seed=1).equals(model.sample(50, seed=1))
    assert not model.sample(50, seed=1).equals(model.sample(50, seed=2))
    assert TabularDiffusion(**TINY).fit(table, seed=0).sample(50, seed=1).equals(model.sample(50, seed=1))
    assert not TabularDiffusion(**TINY).fit(table, seed=1).sample(50, seed=1).equals(model.sample(50, seed=1))


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    TabularDiffusion(**TINY).fit(mixed_table(50), seed=0).sample(5, seed=0)
    assert torch.equal(torch.rand(3), wanted)


def test_a_killed_fit_ends_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.models.tabular.diffusion.EVERY", 4)
    monkeypatch.setattr("credenza.models.training.REDRAW", 0.0)
    table, settings = mixed_table(200), {**TINY, "steps": 12}
    whole = TabularDiffusion(**settings).fit(table, seed=0)
    with pytest.raises(KilledError), watch(Killer(2)):
        TabularDiffusion(**settings).fit(table, seed=0, folder=tmp_path / "fit")
    assert (tmp_path / "fit" / "checkpoint.safetensors").exists()
    again = TabularDiffusion(**settings).fit(table, seed=0, folder=tmp_path / "fit")
    for (name, one), (_, two) in zip(whole._contents()[1].items(), again._contents()[1].items(), strict=True):
        assert np.array_equal(one, two), name


def test_a_checkpoint_of_another_fit_is_one_line(tmp_path: Path) -> None:
    table = mixed_table(100)
    TabularDiffusion(**TINY).fit(table, seed=0, folder=tmp_path / "fit")
    for seed, other in ((1, table), (0, table.slice(1))):
        with pytest.raises(
            InputError, match=r"was made from other data or settings, or with another seed; give"
        ):
            TabularDiffusion(**TINY).fit(other, seed=seed, folder=tmp_path / "fit")


def test_a_saved_model_samples_the_same(tmp_path: Path) -> None:
    model = TabularDiffusion(**TINY).fit(mixed_table(200), seed=0)
    model.save(tmp_path / "m")
    again = TabularDiffusion.load(tmp_path / "m")
    assert (again.steps, again.width) == (6, 8)
    assert again.sample(60, seed=3).equals(model.sample(60, seed=3))


def test_columns_without_levels_need_no_network(tmp_path: Path) -> None:
    model = TabularDiffusion(**TINY).fit(pa.table({"a": [1, 1], "b": pa.nulls(2)}), seed=0)
    model.save(tmp_path / "m")
    made = TabularDiffusion.load(tmp_path / "m").sample(3, seed=0)
    assert made.to_pydict() == {"a": [1, 1, 1], "b": [None, None, None]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is a whole number, 1 or more; found 0"),
        ({"batch": 1.5}, "batch is a whole number, 1 or more; found 1.5"),
        ({"width": True}, "width is a whole number, 1 or more; found True"),
        ({"learning_rate": 0}, "the learning rate is a number above 0; found 0"),
    ],
)
def test_settings_out_of_range_are_one_line(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        TabularDiffusion(**settings)
    assert str(caught.value) == message


def test_bad_calls_are_one_line() -> None:
    with pytest.raises(
        UsageError, match=r"^this tabddpm model cannot sample before it is fitted; call fit first$"
    ):
        TabularDiffusion().sample(1, seed=0)
    with pytest.raises(UsageError, match=r"^the device is one of auto, cpu, cuda; found 'tpu'$"):
        TabularDiffusion(device="tpu").fit(pa.table({"a": [1, 2]}), seed=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_when_asked_for_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^the device 'cuda' was asked for, and no GPU was found; use"):
        TabularDiffusion(device="cuda").fit(pa.table({"a": [1, 2]}), seed=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_trains_on_a_gpu() -> None:
    made = TabularDiffusion(**TINY, device="cuda").fit(mixed_table(200), seed=0).sample(20, seed=0)
    assert made.num_rows == 20
