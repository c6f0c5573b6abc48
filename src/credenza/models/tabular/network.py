"""The network of the diffusion model of tables: from the columns that are known to the levels of those that are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from credenza.contracts import IntArray

TOGETHER = 4_096  # rows that share an order in which their columns are drawn


class LevelNetwork(nn.Module):  # type: ignore[misc]
    """A residual network over tokens, one a column: a level, or "not known yet".

    Shapes: B rows, m columns, L the most levels of a column, w the width.

    Parameters
    ----------
    margins : rows of each level of each column; levels without rows are never given a probability.
    width, depth : numbers per row inside the network, and its residual blocks.

    Examples
    --------
    >>> net = LevelNetwork([np.array([5, 5]), np.array([2, 0, 8])], width=8, depth=1)
    >>> levels = torch.tensor([[1, 2]])
    >>> net(levels, torch.tensor([[True, False]])).softmax(-1).shape
    torch.Size([1, 2, 3])
    """

    allowed: torch.Tensor

    def __init__(self, margins: Sequence[IntArray], *, width: int, depth: int) -> None:
        super().__init__()
        self.columns, self.levels = len(margins), max(map(len, margins))
        allowed = torch.zeros(self.columns, self.levels, dtype=torch.bool)
        for column, margin in enumerate(margins):
            allowed[column, : len(margin)] = torch.from_numpy(margin > 0)
        self.register_buffer("allowed", allowed, persistent=False)
        self.tokens = nn.Linear(self.columns * (self.levels + 1), width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, width)) for _ in range(depth)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.SiLU())
        self.scores = nn.Linear(width, self.columns * self.levels)

    def forward(self, levels: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Logits (B, m, L) of every column's levels, given int64 ``levels`` (B, m) where ``known`` (B, m)."""
        places = self.places(levels, known)
        size = self.columns * (self.levels + 1)
        tokens = torch.zeros(len(levels), size, device=levels.device).scatter_(1, places, 1.0)
        features = self.body(self.tokens(tokens))
        logits = self.scores(features).float().view(-1, self.columns, self.levels)
        return logits.masked_fill(~self.allowed, -torch.inf)

    def places(self, levels: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Where each column's token (B, m) lies among all tokens; the last of a column's means "not known"."""
        starts = torch.arange(self.columns, device=levels.device) * (self.levels + 1)
        return starts + torch.where(known, levels, self.levels)

    def body(self, hidden: torch.Tensor) -> torch.Tensor:
        """Features (B, w) of embedded tokens (B, w)."""
        for block in self.blocks:
            hidden = hidden + block(hidden)
        found: torch.Tensor = self.head(hidden)
        return found

    def column_logits(self, hidden: torch.Tensor, column: int) -> torch.Tensor:
        """Logits (B, L) of one column, given embedded tokens."""
        rows = slice(column * self.levels, (column + 1) * self.levels)
        scores = functional.linear(self.body(hidden), self.scores.weight[rows], self.scores.bias[rows])
        return scores.masked_fill(~self.allowed[column], -torch.inf)


def masked_losses(net: LevelNetwork, levels: torch.Tensor, stream: torch.Generator) -> torch.Tensor:
    """The loss (B,) of an order-agnostic autoregressive diffusion model (arXiv 2110.02037, equation 5) over m, in nats.

    A number t of known columns is drawn uniformly from 0 to m - 1 for every row, then which ones; the loss is the
    mean cross-entropy of the m - t others. m times it is a bound on the negative log likelihood of a row. It is the
    loss of multinomial diffusion with an absorbing state (arXiv 2107.03006), with one column to a step.

    Examples
    --------
    >>> net = LevelNetwork([np.array([1, 1])], width=4, depth=1)
    >>> masked_losses(net, torch.tensor([[0], [1]]), torch.Generator().manual_seed(0)).shape
    torch.Size([2])
    """
    rows, columns = levels.shape
    places = torch.rand(rows, columns, generator=stream, device=levels.device).argsort(1)
    drawn = torch.randint(columns, (rows, 1), generator=stream, device=levels.device)
    known = places < drawn
    logits = net(levels, known)
    losses = functional.cross_entropy(logits.flatten(0, 1), levels.flatten(), reduction="none").view(
        rows, columns
    )
    return losses.masked_fill(known, 0.0).sum(1) / (columns - drawn[:, 0])


def drawn_codes(net: LevelNetwork, rows: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Codes (rows, m), Fortran order: column after column, in a random order for each few thousand rows, then shuffled.

    Cost: O(rows m depth w^2); the embedding of what is known is carried along.
    """
    codes = np.empty((rows, net.columns), np.uint8, order="F")
    for first in range(0, rows, TOGETHER):
        with torch.no_grad():
            codes[first : first + TOGETHER] = _drawn_block(net, min(TOGETHER, rows - first), rng)
    return np.asfortranarray(codes[rng.permutation(rows)])


def _drawn_block(net: LevelNetwork, rows: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Codes of rows that share an order."""
    device = net.allowed.device
    weights = net.tokens.weight.T
    unknown = (torch.arange(net.columns, device=device) + 1) * (net.levels + 1) - 1
    hidden = (weights[unknown].sum(0) + net.tokens.bias).repeat(rows, 1)
    codes = np.empty((rows, net.columns), np.uint8)
    for column in rng.permutation(net.columns).tolist():
        ends = net.column_logits(hidden, column).double().softmax(1).cumsum(1)
        uniform = torch.from_numpy(rng.random((rows, 1))).to(device)
        last = int(net.allowed[column].nonzero().max())
        found = (ends <= uniform * ends[:, -1:]).sum(1).clamp_(max=last)
        hidden += weights[column * (net.levels + 1) + found] - weights[unknown[column]]
        codes[:, column] = found.cpu().numpy()
    return codes
