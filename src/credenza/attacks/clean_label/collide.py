"""Forward-backward splitting: pictures that look like one thing and are represented like another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from credenza.attacks.clean_label.network import Network, Pictures, in_batches, representations
from credenza.contracts import FloatArray

FIRST_STEP = 8 / 255  # the first step moves the most sensitive pixel so far
MORE, LESS = 1.25, 0.5  # the step after one that lowered the objective, and after one that did not


@dataclass(frozen=True)
class Collided:
    """Pictures of shape (N, C, H, W), and squared distances to the victim's representation before and after.

    ``weight`` is the factor of the squared pixel distance in the objective.
    """

    pictures: Pictures
    before: FloatArray
    after: FloatArray
    weight: float


@dataclass(frozen=True)
class _Problem:
    network: Network
    victim: Any
    base: Any
    low: Any
    high: Any
    weight: float

    def misfit(self, x: Any) -> Any:
        return ((self.network.features(x) - self.victim) ** 2).sum(1)

    def objective(self, x: Any) -> Any:
        return self.misfit(x).detach() + self.weight * ((x - self.base) ** 2).flatten(1).sum(1)


def collide(
    network: Network,
    pictures: Pictures,
    victim: Pictures,
    *,
    beta: float,
    iterations: int,
    opacity: float = 0.0,
    epsilon: float | None = None,
) -> Collided:
    """Move pictures so that the model represents them like the victim.

    Minimises ``|f(x) - f(t)|^2 + w |x - b|^2`` for each base picture b, with ``w = beta (d / D)^2`` for d
    features and D pixel values, pixels in [0, 1]: a gradient step on the first term, then the proximal step
    ``x <- (x + step w b) / (1 + step w)``, clipped to [0, 1] and, with ``epsilon``, to that box around b. A
    step that does not lower a picture's objective is taken back and halved; others let it grow, so the
    objective never rises before the result is rounded to whole grey levels.

    Parameters
    ----------
    network : the model. pictures : base pictures, shape (N, C, H, W). victim : shape (1, C, H, W).
    beta : weight of staying close to the base, above 0; published: 0.25.
    iterations : how many, 1 or more.
    opacity : watermark: b is ``opacity t + (1 - opacity) base``. Published: 0.2 to 0.3 for training from
        scratch, 0 for a fine-tuned last layer.
    epsilon : largest change of a pixel beyond the watermark; None as published, no limit but beta.

    Raises
    ------
    InputError : the model does not take the pictures or cannot be differentiated.

    Notes
    -----
    Cost: ``iterations`` forward and backward passes and as many forward ones. Source: Shafahi, Huang, Najibi,
    Suciu, Studer, Dumitras, Goldstein, "Poison Frogs!" (NeurIPS 2018), Algorithm 1 and section 4.2; the
    step size by backtracking is ours. Left out: ensembles of models.
    """
    target = representations(network, victim)
    weight = beta * (target.shape[1] / pictures[0].size) ** 2
    marked = np.rint(opacity * victim + (1 - opacity) * pictures).astype(np.uint8)
    aim = torch.from_numpy(target).to(network.tensor(victim))
    out = np.empty_like(pictures)
    for part in in_batches(len(pictures)):
        base = network.tensor(marked[part])
        radius = 1.0 if epsilon is None else epsilon
        box = (base - radius).clamp(0, 1), (base + radius).clamp(0, 1)
        x = _descend(_Problem(network, aim, base, *box, weight), iterations)
        out[part] = _rounded(x, marked[part], epsilon)
    before, after = (((representations(network, p) - target) ** 2).sum(1) for p in (pictures, out))
    return Collided(out, before, after, weight)


def _descend(problem: _Problem, iterations: int) -> Any:
    x, best = problem.base, problem.objective(problem.base)
    step = None
    for _ in range(iterations):
        x = x.detach().requires_grad_()
        slope = problem.network.gradient(problem.misfit(x).sum(), x)
        if step is None:
            steepest = slope.abs().flatten(1).amax(1)
            step = torch.where(steepest > 0, FIRST_STEP / steepest.clamp_min(1e-30), 0.0)
        size = step[:, None, None, None]
        moved = (x.detach() - size * slope + size * problem.weight * problem.base) / (
            1 + size * problem.weight
        )
        moved = torch.maximum(torch.minimum(moved, problem.high), problem.low)
        with torch.no_grad():
            reached = problem.objective(moved)
        lower = reached < best
        x = torch.where(lower[:, None, None, None], moved, x.detach())
        best = torch.where(lower, reached, best)
        step = step * torch.where(lower, MORE, LESS)
    return x.detach()


def _rounded(x: Any, base: Pictures, epsilon: float | None) -> Pictures:
    whole = np.rint(x.double().cpu().numpy() * 255).astype(np.int64)
    if epsilon is not None:
        bound = int(np.floor(epsilon * 255 + 1e-9))
        whole = np.clip(whole, base.astype(np.int64) - bound, base.astype(np.int64) + bound)
    return np.asarray(np.clip(whole, 0, 255), dtype=np.uint8)
