"""The private diffusion model of tables: what it learns, costs, keeps to itself, repeats and resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from credenza.errors import InputError, UsageError
from credenza.models.private import Privacy
from credenza.models.private_steps import PrivateSteps
from credenza.models.tabular import PrivateDiffusion
from credenza.models.tabular import private_diffusion as module
from credenza.models.tabular.network import LevelNetwork, masked_losses

pytest.importorskip("opacus")


def table(rows: int = 600, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    a = rng.random(rows) < 0.5
    b = np.where(rng.random(rows) < 0.9, a, ~a)
    return pa.table({"a": a, "b": np.where(b, "x", "y"), "c": rng.integers(0, 4, rows)})


def made(**settings: Any) -> PrivateDiffusion:
    own = {"epsilon": 8.0, "delta": 1e-5, "accountant": "rdp", "noise_seed": 0, "device": "cpu"}
    own |= {"steps": 60, "batch": 100, "width": 8, "depth": 1, "learning_rate": 0.05}
    return PrivateDiffusion(**own | settings)


def agreement(rows: pa.Table) -> float:
    return float(np.mean([row["a"] == (row["b"] == "x") for row in rows.to_pylist()]))


def test_it_learns_a_pair_and_tells_what_it_cost(tmp_path: Path) -> None:
    model = made(public=table(200, seed=9)).fit(table(), seed=0)
    rows = model.sample(2_000, seed=1)
    assert rows.schema == table().schema
    assert 0.8 < agreement(rows) < 1.0
    assert model.spent is not None
    assert 7.9 < model.spent.epsilon <= 8.0
    account = model.account
    assert (account["epsilon"], account["delta"]) == (model.spent.epsilon, 1e-5)
    assert account["questions"][0]["times"] == 60
    assert account["questions"][0]["scale"] == model.spent.noise
    assert account["taken_as_public"] == "columns, types, levels and values, from a public table"
    model.save(tmp_path / "m")
    again = PrivateDiffusion.load(tmp_path / "m")
    assert again.sample(50, seed=3).equals(model.sample(50, seed=3))
    assert (again.account, again.spent) == (account, model.spent)
    assert "noise_seed" not in (tmp_path / "m" / "model.json").read_text()


def test_levels_that_are_rare_do_not_come_out() -> None:
    rows = table()
    rare = pa.chunked_array([["z"] * 5 + rows["b"].to_pylist()[5:]])
    model = made(steps=3, epsilon=1.0).fit(rows.set_column(1, "b", rare), seed=0)
    assert set(model.sample(2_000, seed=1)["b"].to_pylist()) == {"x", "y"}
    assert "without noise" in model.account["taken_as_public"]
    public = table().set_column(1, "b", pa.chunked_array([["z"] * 20 + table()["b"].to_pylist()[20:]]))
    assert (
        "z"
        in made(steps=3, epsilon=1.0, public=public)
        .fit(table(), seed=0)
        .sample(2_000, seed=1)["b"]
        .to_pylist()
    )


def test_noise_without_a_seed_does_not_repeat() -> None:
    one, again, other = (
        made(steps=3, epsilon=1.0, noise_seed=seed).fit(table(), seed=0) for seed in (1, 1, None)
    )
    assert one.sample(300, seed=0).equals(again.sample(300, seed=0))
    assert not one.sample(300, seed=0).equals(other.sample(300, seed=0))


def test_a_killed_fit_goes_on_with_its_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(steps=6, epsilon=1.0).fit(table(), seed=0)
    monkeypatch.setattr(module, "EVERY", 2)
    step = module.PrivateLevelTraining.step

    def dying(job: Any, index: int) -> Any:
        if index == 5:
            raise KeyboardInterrupt
        return step(job, index)

    monkeypatch.setattr(module.PrivateLevelTraining, "step", dying)
    with pytest.raises(KeyboardInterrupt):
        made(steps=6, epsilon=1.0).fit(table(), seed=0, folder=tmp_path / "c")
    monkeypatch.setattr(module.PrivateLevelTraining, "step", step)
    again = made(steps=6, epsilon=1.0).fit(table(), seed=0, folder=tmp_path / "c")
    assert again.spent == whole.spent
    assert again.sample(300, seed=0).equals(whole.sample(300, seed=0))


def test_a_step_is_the_clipped_sum_of_single_gradients() -> None:
    codes = torch.randint(0, 2, (12, 3), generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        net = LevelNetwork([np.ones(2, np.int64)] * 3, width=4, depth=1)
    drawn: list[torch.Tensor] = []

    def losses(rows: Any, stream: torch.Generator) -> torch.Tensor:
        found = masked_losses(net, codes[rows], stream)
        drawn.append(found.detach())
        return found

    def flat() -> torch.Tensor:
        return torch.cat([value.detach().clone().flatten() for value in net.parameters()])

    optimiser = torch.optim.SGD(net.parameters(), lr=1.0)
    privacy = Privacy(noise=1e-9, clip=0.1, noise_seed=1, accountant="rdp")
    steps = PrivateSteps(net, optimiser, privacy, rows=12, batch=12, steps=1, losses=losses)
    before = flat()
    steps.step(0)
    moved = (before - flat()) * 12
    assert float(moved.norm()) <= 12 * 0.1 + 1e-5
    assert float(moved.norm()) > 0.1
    assert len(drawn[0]) == 12


def test_a_table_without_levels_is_drawn_by_itself() -> None:
    model = made().fit(pa.table({"unit": ["kg"] * 30}), seed=0)
    assert set(model.sample(5, seed=0)["unit"].to_pylist()) == {"kg"}
    assert model.spent is None
    assert model.account["questions"] == []


def test_what_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"^the noise of a network's training has a delta above 0, .*; found 0$"
    ):
        made(delta=0)
    with pytest.raises(
        UsageError, match=r"^delta is below 1 / rows, 0\.0017 for 600 rows; found 0\.01: a larger one"
    ):
        made(delta=0.01).fit(table(), seed=0)
    with pytest.raises(InputError, match=r"^the public table has no column 'c'; give both the same columns$"):
        made(public=table().drop_columns(["c"])).fit(table(), seed=0)
