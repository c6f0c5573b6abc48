"""The private training of a network of images on their labels: no losses of rows, no row that pulls too hard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import cross_entropy

from credenza.contracts import IntArray
from credenza.models.base import Images
from credenza.models.embedding.lesson import WEIGHTS, Lesson
from credenza.models.private import Privacy, Spent
from credenza.models.private_steps import PrivateSteps
from credenza.models.states import fill_module, fill_optimiser, module_arrays, optimiser_arrays
from credenza.models.training import State

if TYPE_CHECKING:
    from credenza.models.embedding.network import NetworkSettings


class PrivateLesson(Lesson):
    """One private training, as :func:`credenza.models.training.train` takes it; as long as one without privacy."""

    def __init__(
        self,
        network: Any,
        settings: NetworkSettings,
        device: torch.device,
        images: Images,
        labels: IntArray,
        seed: int,
        privacy: Privacy,
    ) -> None:
        super().__init__(network, settings, device, images, labels, seed)
        self._private = PrivateSteps(
            network,
            self._optimiser,
            privacy,
            rows=len(images),
            batch=settings.batch,
            steps=self.steps,
            losses=self._row_losses,
        )

    def step(self, index: int) -> Any:
        """One step; the loss is not private."""
        self._set_rate(index)
        return self._private.step(index)

    def finished(self) -> Spent:
        """What it has cost."""
        return self._private.finished()

    def state(self) -> State:
        """Weights, the optimiser's memory and the accountant's."""
        own = module_arrays(self.network, WEIGHTS) | optimiser_arrays(self._optimiser)
        return {**own, **self._private.state()}

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        fill_module(self.network, state, WEIGHTS)
        fill_optimiser(self._optimiser, state)
        self._private.restore(state)

    def _row_losses(self, rows: IntArray, stream: torch.Generator) -> torch.Tensor:
        x = self._prepared(rows, stream.initial_seed())
        return cross_entropy(self.network(x).float(), self._labels[rows].to(self._device), reduction="none")
