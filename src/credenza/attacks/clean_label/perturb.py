"""Projected gradient ascent: pictures that a model no longer recognises, within a bound on every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from credenza.attacks.clean_label.network import Network, Pictures, in_batches
from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError


@dataclass(frozen=True)
class Perturbed:
    """Pictures of shape (N, C, H, W), and the loss of each (cross-entropy, nats) before and after."""

    pictures: Pictures
    before: FloatArray
    after: FloatArray


def grey_levels(epsilon: float) -> int:
    """Whole grey levels, of 255, within ``epsilon``.

    Raises
    ------
    UsageError : less than one.

    Examples
    --------
    >>> grey_levels(8 / 255), grey_levels(0.05)
    (8, 12)
    """
    levels = int(np.floor(epsilon * 255 + 1e-9))
    if levels < 1:
        found = f"epsilon {epsilon:g} is less than one grey level"
        raise UsageError(f"{found}; pictures of bytes need at least {1 / 255:.4f} (1/255)")
    return levels


def drive_away(
    network: Network,
    pictures: Pictures,
    label: int,
    *,
    epsilon: float,
    steps: int,
    rows: IntArray,
    seed: int,
) -> Perturbed:
    """Perturb pictures so that the model's loss on their own label rises.

    ``x <- clip(x + step sign(grad loss(x)))``, clipped to [0, 1] and to ``epsilon`` around the original, from
    a uniform random start in that box; step = 2.5 epsilon / steps. The result is rounded to whole grey levels
    inside the box; the best of all iterates is kept, so no picture's loss falls but by that rounding.

    Parameters
    ----------
    network : the model. pictures : shape (N, C, H, W).
    label : index of their class in the model's output.
    epsilon : largest change of a pixel, in [1/255, 1]; whole grey levels of it are used.
    steps : how many, 1 or more.
    rows : shape (N,), indices that the random start of each picture depends on, with ``seed``.

    Raises
    ------
    UsageError : epsilon is less than a grey level. InputError : the model does not take the pictures or
        cannot be differentiated.

    Notes
    -----
    Cost: ``steps`` forward and backward passes. Source: Madry, Makelov, Schmidt, Tsipras, Vladu (ICLR 2018),
    used on one's own training pictures as in Turner, Tsipras, Madry (arXiv 1912.02771, section 4.2). Left
    out: bounds on the Euclidean norm, and perturbation by a generative model.
    """
    bound = grey_levels(epsilon)
    parts = [
        _ascend(network, pictures[part], label, bound, steps, rows[part], seed)
        for part in in_batches(len(pictures))
    ]
    out = np.concatenate([part.pictures for part in parts])
    before, after = (np.concatenate([getattr(part, name) for part in parts]) for name in ("before", "after"))
    return Perturbed(out, before, after)


def _ascend(
    network: Network, pictures: Pictures, label: int, bound: int, steps: int, rows: IntArray, seed: int
) -> Perturbed:
    original = network.tensor(pictures)
    labels = torch.full((len(pictures),), label, device=network.device)
    radius = bound / 255
    low, high = (original - radius).clamp(0, 1), (original + radius).clamp(0, 1)
    noise = np.stack([np.random.default_rng([seed, row]).uniform(-1, 1, pictures.shape[1:]) for row in rows])
    x = original + radius * torch.from_numpy(noise).to(original)
    best, best_loss = original, _loss(network, original, labels).detach()
    before = best_loss
    for step in range(steps + 1):
        x = torch.clamp(torch.maximum(torch.minimum(x, high), low), 0, 1).detach().requires_grad_()
        loss = _loss(network, x, labels)
        better = loss.detach() > best_loss
        best = torch.where(better[:, None, None, None], x.detach(), best)
        best_loss = torch.maximum(best_loss, loss.detach())
        if step < steps:
            x = x.detach() + 2.5 * radius / steps * network.gradient(loss.sum(), x).sign()
    written = np.rint(best.double().cpu().numpy() * 255).astype(np.int64)
    near = np.clip(written, pictures.astype(np.int64) - bound, pictures.astype(np.int64) + bound)
    out = np.clip(near, 0, 255).astype(np.uint8)
    with torch.no_grad():
        after = _loss(network, network.tensor(out), labels)
    return Perturbed(out, before.double().cpu().numpy(), after.double().cpu().numpy())


def _loss(network: Network, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(network.logits(x), labels, reduction="none")
