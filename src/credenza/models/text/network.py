"""A small decoder-only transformer over word numbers, with a memory of keys and values for sampling."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Memory:
    """Keys and values of the words so far, of every block; shape (blocks, 2, rows, heads, context, width / heads)."""

    def __init__(self, network: Network, rows: int) -> None:
        like = network.words.weight
        shape = (len(network.blocks), 2, rows, network.heads, network.context, like.shape[1] // network.heads)
        self.kept = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.length = 0

    def select(self, rows: torch.Tensor) -> None:
        """Keep only some rows."""
        self.kept = self.kept[:, :, rows]


class Network(nn.Module):  # type: ignore[misc]
    """Word and place embeddings, blocks of causal attention and a two-layer perceptron, each after a layer norm.

    The weights of the word embeddings are also those that turn the last block's output into logits.

    Parameters
    ----------
    words : different word numbers. width : of the embeddings, a multiple of ``heads``. layers : blocks.
    context : words that are seen at once.

    Notes
    -----
    Source: Radford et al. 2019 (GPT-2), section 2.3: its order of norms, tied embeddings. Left out: dropout and biases
    of the attention; models of this size see their data a few times only.

    Examples
    --------
    >>> Network(words=9, width=8, layers=1, heads=2, context=5)(torch.tensor([[0, 3, 4]])).shape
    torch.Size([1, 3, 9])
    """

    def __init__(self, *, words: int, width: int, layers: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads, self.context = heads, context
        self.words = nn.Embedding(words, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def initialise(self, stream: torch.Generator) -> None:
        """Draw first weights: normal, of deviation .1 for embeddings and 1 / sqrt(inputs) for all others.

        Those that end a block are divided by sqrt(2 layers). The fixed deviation .02 of greater models leaves the
        attention of small ones so even that they learn no association across a document for hundreds of steps.
        """
        for name, value in self.named_parameters():
            if value.dim() < 2:
                nn.init.constant_(value, float("norm" in name and name.endswith("weight")))
                continue
            deviation = 0.1 if name.startswith(("words", "places")) else value.shape[1] ** -0.5
            deeper = (2 * len(self.blocks)) ** -0.5 if name.endswith("out.weight") else 1.0
            nn.init.normal_(value, std=deviation * deeper, generator=stream)

    def forward(self, numbers: torch.Tensor, memory: Memory | None = None) -> torch.Tensor:
        """Logits of the next word after each word; (rows, length) to (rows, length, words).

        With a memory, ``numbers`` go on where it ends, one word at a time, and it grows by that word.
        """
        begin = 0 if memory is None else memory.length
        places = torch.arange(begin, begin + numbers.shape[1], device=numbers.device)
        hidden = self.words(numbers) + self.places(places)
        for depth, block in enumerate(self.blocks):
            kept = None if memory is None else memory.kept[depth][:, :, :, : begin + 1]
            hidden = block(hidden, kept)
        if memory is not None:
            memory.length += 1
        return functional.linear(self.norm(hidden), self.words.weight)


class Block(nn.Module):  # type: ignore[misc]
    """Attention to the words before, then a perceptron of four times the width, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.perceptron_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width, bias=False)
        self.attend_out = nn.Linear(width, width, bias=False)
        self.perceptron = nn.Linear(width, 4 * width)
        self.perceptron_out = nn.Linear(4 * width, width)

    def forward(self, hidden: torch.Tensor, kept: torch.Tensor | None) -> torch.Tensor:
        """One step; ``kept`` are this block's keys and values, with room for one word more at the end."""
        rows, length, width = hidden.shape
        parts = self.attend(self.attention_norm(hidden)).view(
            rows, length, 3, self.heads, width // self.heads
        )
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if kept is not None:
            kept[0, :, :, -1], kept[1, :, :, -1] = key[:, :, 0], value[:, :, 0]
            key, value = kept[0], kept[1]
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=kept is None)
        hidden = hidden + self.attend_out(mixed.transpose(1, 2).reshape(rows, length, width))
        inside = functional.gelu(self.perceptron(self.perceptron_norm(hidden)), approximate="tanh")
        out: torch.Tensor = hidden + self.perceptron_out(inside)
        return out
