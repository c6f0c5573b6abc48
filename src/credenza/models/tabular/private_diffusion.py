"""The diffusion model of tables, trained privately: whose pull by any one row is bounded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch

from credenza.contracts import IntArray
from credenza.errors import UsageError
from credenza.models.base import Tensors
from credenza.models.device import pick_device, random_stream
from credenza.models.digest import digest_of
from credenza.models.private import Accounted, Privacy, Spent, undescribed
from credenza.models.private_steps import PrivateSteps
from credenza.models.tabular.base import Folder
from credenza.models.tabular.codec import TableCodec
from credenza.models.tabular.diffusion import EVERY, LevelTraining, TabularDiffusion
from credenza.models.tabular.network import LevelNetwork, masked_losses
from credenza.models.tabular.public import PublicLevels
from credenza.models.training import State, train

__all__ = ["PrivateDiffusion"]


class PrivateDiffusion(Accounted, PublicLevels, TabularDiffusion):
    """The model of :class:`TabularDiffusion` under (epsilon, delta)-differential privacy of the rows it is fitted to.

    Trained by DP-SGD, see :class:`credenza.models.private.Privacy`; :attr:`spent` tells the cost. Unlike
    :class:`PrivateChowLiu` it can learn any pair, at more noise: many rows and few columns suit it. Sampling costs
    nothing, however many rows.

    Parameters
    ----------
    epsilon : > 0. delta : above 0, below 1 / rows. A row that is replaced counts twice, a person with k rows k times.
    public : a table that is not private, with the same columns, from which columns, types, levels, bins and the values
        in them are taken; see :class:`PrivateChowLiu` for what is done without one.
    clip, accountant, noise_seed : see :class:`credenza.models.private.Privacy`.
    Others : see :class:`TabularDiffusion`; ``batch`` is the number of rows to be expected in a step.

    Raises
    ------
    UsageError : a setting out of range. MissingExtraError : opacus is not installed, when it is fitted.

    Notes
    -----
    What it does not do: see :class:`PrivateChowLiu`; above all it does not defend against associative poisoning, which
    is in many rows (measured: docs/private_training.md).

    Examples
    --------
    >>> table = pa.table({"a": [True, True, False, False] * 300, "b": ["x", "x", "y", "y"] * 300})
    >>> own = {"steps": 80, "batch": 200, "width": 8, "depth": 1, "learning_rate": 0.05, "accountant": "rdp"}
    >>> model = PrivateDiffusion(epsilon=8.0, delta=1e-5, public=table[:4], noise_seed=0, **own).fit(table, seed=0)
    >>> rows = model.sample(200, seed=1).to_pylist()
    >>> sum((row["a"], row["b"]) in {(True, "x"), (False, "y")} for row in rows) > 170
    True
    >>> 7.9 < model.spent.epsilon <= 8.0
    True
    """

    kind: ClassVar[str] = "private-tabddpm"

    def __init__(
        self,
        *,
        epsilon: float,
        delta: float = 1e-6,
        public: pa.Table | None = None,
        bins: int = 16,
        min_share: float = 0.005,
        steps: int = 1_000,
        batch: int = 512,
        width: int = 64,
        depth: int = 1,
        learning_rate: float = 5e-3,
        clip: float = 1.0,
        accountant: str = "prv",
        noise_seed: int | None = None,
        device: str = "auto",
    ) -> None:
        if not delta > 0:
            raise UsageError(
                f"the noise of a network's training has a delta above 0, far below 1 / rows; found {delta!r}"
            )
        super().__init__(
            bins=bins,
            min_share=min_share,
            steps=steps,
            batch=batch,
            width=width,
            depth=depth,
            learning_rate=learning_rate,
            device=device,
        )
        self.public = public
        self.privacy: Privacy = Privacy(
            epsilon, delta, clip=clip, accountant=accountant, noise_seed=noise_seed
        )

    @property
    def account(self) -> dict[str, Any]:
        """What was spent on what, and what is public; JSON-able."""
        spent, questions = self._spent, []
        if spent is not None:
            questions = [
                {
                    "what": f"sum of gradients, cut to {spent.clip:g}, of rows taken by a chance of {spent.rate:.6g}",
                    "mechanism": "Poisson-sampled Gaussian",
                    "times": spent.steps,
                    "scale": spent.noise * spent.clip,
                }
            ]
        return {
            "epsilon": self.privacy.epsilon if spent is None else spent.epsilon,
            "delta": self.privacy.delta,
            "neighbours": "one row added or removed",
            "accountant": self.privacy.accountant,
            "questions": questions,
            "taken_as_public": self._taken_as_public,
        }

    def _learn(self, codec: TableCodec, data: pa.Table, seed: int, folder: Folder) -> None:
        net = self._network(codec, random_stream(torch.device("cpu"), seed, 0))
        self._net = self._spent = None
        if net is None:
            return
        job = PrivateLevelTraining(net.to(pick_device(self.device)), self._codes(codec, data), self, seed)
        public = () if self.public is None else (self.public,)
        key = digest_of(self.kind, self._settings(), self.privacy.noise_seed, seed, data, *public)
        train(job, steps=self.steps, folder=folder, every=EVERY, label="private tabular diffusion", key=key)
        self._spent = job.finished()
        self._net = self._closing(codec, job.average.eval())

    def _margins(self, codec: TableCodec) -> list[IntArray]:
        """All levels: which of them have private rows is not to be told, and rows of each must be learnt from."""
        return [np.ones(len(pool.marginal), np.int64) for pool in codec.modelled]

    def _closing(self, codec: TableCodec, net: LevelNetwork) -> LevelNetwork:
        """The network, which gives no chance to levels that nothing can be drawn for."""
        closed = set(self._closed.tolist())
        for column, pool in enumerate(codec.modelled):
            first = int(codec.schema.offsets[column])
            for level, rows in enumerate(pool.marginal.tolist()):
                net.allowed[column, level] = rows > 0 and first + level not in closed
        return net

    def _settings(self) -> dict[str, Any]:
        own = {name: getattr(self.privacy, name) for name in ("epsilon", "delta", "clip", "accountant")}
        return {**super()._settings(), **own}

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        settings, tensors = super()._contents()
        return {**settings, "spent": None if self._spent is None else asdict(self._spent)}, tensors

    @classmethod
    def _of_contents(cls, settings: Any, tensors: Tensors) -> PrivateDiffusion:
        settings = dict(settings)
        spent = settings.pop("spent", None)
        model = super()._of_contents(settings, tensors)
        if spent is not None:
            _, model._spent = undescribed({"privacy": asdict(model.privacy), "spent": spent})
        return model

    def _arrays(self) -> Tensors:
        found = super()._arrays()
        found["closed"] = self._closed
        found["levels_public"] = np.array([self._levels_public], np.uint8)
        return found

    def _restore(self, codec: TableCodec, arrays: Tensors) -> None:
        super()._restore(codec, arrays)
        self._closed, self._levels_public = arrays["closed"], bool(arrays["levels_public"][0])
        if self._net is not None:
            self._closing(codec, self._net)


class PrivateLevelTraining(LevelTraining):
    """Private training of a network on codes (n, m)."""

    def __init__(self, net: LevelNetwork, codes: np.ndarray, settings: PrivateDiffusion, seed: int) -> None:
        super().__init__(net, codes, settings, seed)
        self._private = PrivateSteps(
            net.train(),
            self._optimiser,
            settings.privacy,
            rows=len(codes),
            batch=settings.batch,
            steps=settings.steps,
            losses=lambda rows, stream: masked_losses(net, self._codes[rows].long(), stream),
        )

    def step(self, index: int) -> torch.Tensor:
        self._set_rate(index)
        loss = self._private.step(index)
        self._take_average(index)
        return loss

    def finished(self) -> Spent:
        """What it has cost."""
        return self._private.finished()

    def state(self) -> State:
        return {**super().state(), **self._private.state()}

    def restore(self, state: State) -> None:
        super().restore(state)
        self._private.restore(state)
