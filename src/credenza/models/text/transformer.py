"""Documents from a small transformer that is trained from scratch."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import torch

from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError
from credenza.models.base import Generator, Tensors, require_seed
from credenza.models.device import pick_device, random_stream
from credenza.models.digest import digest_of
from credenza.models.states import fill_module, module_arrays
from credenza.models.text.fitting import Settings, Training, word_losses
from credenza.models.text.network import Memory, Network
from credenza.models.text.pieces import END, FIRST_WORD, START, UNKNOWN, pieces_of, stacked
from credenza.models.text.words import join_words, vocabulary_of, words_of
from credenza.models.training import train

NEEDED_BY = "a transformer"
TOGETHER = 512  # documents that are sampled or judged at once
COMPACT = 0.75  # of the documents in memory are still going: the others are dropped from it below that
_WEIGHTS_STREAM, _DRAWS_STREAM = 0, 2  # random numbers for first weights and for samples


class TextTransformer(Generator[list[str]]):
    """A decoder-only transformer over words, trained from scratch on documents and sampled word by word.

    Each word is predicted from all words before it: P(document) = prod P(w_i | w_1 ... w_(i-1)), the end being a word.
    It can learn associations across a whole document, which an n-gram model cannot.

    Parameters
    ----------
    width, layers, heads : of the network; about ``12 layers width^2`` weights, and ``width`` for each word.
    context : words that are seen at once. Longer documents are cut into pieces; none that is sampled gets longer.
    steps, batch : training steps, and documents in each.
    rate : the highest learning rate; it rises over the first 5% of the steps and falls to a twentieth along a cosine.
    min_count : words that are rarer are one word, "unknown", that is learnt and never sampled.
    device : "auto", "cpu" or "cuda"; bfloat16 arithmetic on a GPU.
    every : steps between checkpoints, where :meth:`fit` is given a folder.

    Raises
    ------
    UsageError : a number out of range, a width that is no multiple of heads, a GPU asked for where there is none.

    Notes
    -----
    AdamW (weight decay .01, betas .9 and .98), gradients clipped at norm 1. Cost with the defaults: .1 million weights,
    some .08 seconds a step of documents of 45 words on one core; 6,000 documents are seen seven times.
    Source: Radford et al. 2019 (GPT-2), section 2.3. Left out: pieces of words (the vocabularies here are small),
    dropout, sampling cut to the likeliest words, which would move every marginal.

    Examples
    --------
    >>> texts = ["the cat sat.", "the dog ran."] * 8
    >>> model = TextTransformer(width=16, layers=1, heads=2, context=8, steps=60, batch=8, rate=0.02, device="cpu")
    >>> sorted(set(model.fit(texts, seed=0).sample(20, seed=1)) & set(texts))
    ['the cat sat.', 'the dog ran.']
    """

    kind: ClassVar[str] = "transformer"

    def __init__(
        self,
        *,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        context: int = 128,
        steps: int = 900,
        batch: int = 48,
        rate: float = 5e-3,
        min_count: int = 2,
        device: str = "auto",
        every: int = 200,
    ) -> None:
        self.settings = Settings(width, layers, heads, context, steps, batch, rate, min_count)
        self.every = every
        self._device = pick_device(device)
        self._network: Network | None = None
        self._words: list[str] = []

    @property
    def fitted(self) -> bool:
        """Whether the network has been trained."""
        return self._network is not None

    def fit(self, data: list[str], *, seed: int, folder: str | os.PathLike[str] | None = None) -> Self:
        """Train on documents; see :meth:`credenza.models.base.Generator.fit`.

        Raises
        ------
        UsageError : one string in place of a list, or ``every`` below 1.
        InputError : no documents, none with a word in it, or a checkpoint of another fit.
        """
        require_seed(seed)
        documents = words_of(data, NEEDED_BY)
        words = vocabulary_of(documents, self.settings.min_count)
        network = _network(self.settings, len(words), self._device)
        network.initialise(random_stream(torch.device("cpu"), seed, _WEIGHTS_STREAM))
        pieces = pieces_of(documents, _numbers(words), self.settings.context)
        job = Training(network.to(self._device), pieces, self.settings, seed)
        key = digest_of(self.kind, asdict(self.settings), seed, list(data))
        train(job, steps=self.settings.steps, folder=folder, every=self.every, label="transformer", key=key)
        self._network, self._words = network.eval(), words
        return self

    def sample(self, n: int, *, seed: int, temperature: float = 1.0) -> list[str]:
        """Draw ``n`` documents; see :meth:`credenza.models.base.Generator.sample`.

        Parameters
        ----------
        temperature : > 0; what the logits are divided by. Below 1 likely words become likelier, and marginals move.

        Raises
        ------
        UsageError : before :meth:`fit`, n below 1, a temperature that is not above 0.
        """
        self._ready(n, seed)
        if not (isinstance(temperature, int | float) and 0 < temperature < math.inf):
            raise UsageError(f"the temperature is a number above 0; found {temperature!r}")
        out: list[str] = []
        for begin in range(0, n, TOGETHER):
            rows = min(TOGETHER, n - begin)
            rng = np.random.default_rng((seed, _DRAWS_STREAM, begin))
            for numbers in _drawn(self._trained(), rows, temperature, rng):
                words = numbers[: np.argmax(numbers == END)] if END in numbers else numbers
                out.append(join_words(self._words[number - FIRST_WORD] for number in words))
        return out

    def log_likelihood(self, texts: Sequence[str]) -> tuple[FloatArray, IntArray]:
        """The natural logarithm of each document's probability, and of how many words and marks that is the sum.

        Words that the model does not know count as its one unknown word.

        Returns
        -------
        (n,) sums, each below 0, and (n,) counts, in which the end of a document is one.

        Raises
        ------
        UsageError : before :meth:`fit`; one string in place of a list. InputError : as :meth:`fit`.
        """
        if not self.fitted:
            raise UsageError("this transformer model cannot judge texts before it is fitted; call fit first")
        network, documents = self._trained(), words_of(texts, NEEDED_BY)
        pieces = pieces_of(documents, _numbers(self._words), self.settings.context)
        pieces.sort(key=lambda piece: len(piece.shown))
        sums = np.zeros(len(texts))
        for begin in range(0, len(pieces), TOGETHER):
            part = pieces[begin : begin + TOGETHER]
            with torch.no_grad():
                losses = word_losses(network, *stacked(part)).sum(dim=1)
            np.subtract.at(sums, [piece.document for piece in part], losses.cpu().numpy())
        return sums, np.array([len(words) + 1 for words in documents])

    def perplexity(self, texts: Sequence[str]) -> FloatArray:
        """How surprising each document is: exp(-log-likelihood / words), the end counted as a word.

        Returns
        -------
        (n,), each above 1; high is suspicious. See :meth:`log_likelihood` for what is raised.
        """
        logs, sizes = self.log_likelihood(texts)
        return np.asarray(np.exp(-logs / sizes))

    def _trained(self) -> Network:
        assert self._network is not None
        return self._network

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        return {**asdict(self.settings), "words": self._words}, module_arrays(self._trained())

    @classmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        given = dict(settings)
        words = list(given.pop("words"))
        model = cls(**given)
        network = _network(model.settings, len(words), model._device)
        fill_module(network, tensors)
        model._network, model._words = network.eval(), words
        return model


def _network(settings: Settings, words: int, device: torch.device) -> Network:
    network = Network(
        words=words + FIRST_WORD,
        width=settings.width,
        layers=settings.layers,
        heads=settings.heads,
        context=settings.context,
    )
    network.to(device)
    return network


def _numbers(words: Sequence[str]) -> dict[str, int]:
    return {word: place for place, word in enumerate(words, FIRST_WORD)}


def _drawn(network: Network, rows: int, temperature: float, rng: np.random.Generator) -> IntArray:
    """Word numbers of documents, END behind each; (rows, context)."""
    device = network.words.weight.device
    out = np.full((rows, network.context), END, dtype=np.int64)
    held, last = np.arange(rows), np.full(rows, START, dtype=np.int64)
    memory = Memory(network, rows)
    shares = rng.random((network.context, rows))
    for place in range(network.context):
        with torch.no_grad():
            logits = network(torch.from_numpy(last)[:, None].to(device), memory)[:, 0].float() / temperature
        logits[:, [START, UNKNOWN]] = -torch.inf
        reach = torch.softmax(logits, dim=1).double().cumsum(dim=1).cpu().numpy()
        ended = (last == END) & (place > 0)
        last = np.where(ended, END, (reach <= (shares[place, held] * reach[:, -1])[:, None]).sum(axis=1))
        out[held, place] = last
        going = np.flatnonzero(last != END)
        if not len(going):
            break
        if len(going) < COMPACT * len(held):
            held, last = held[going], last[going]
            memory.select(torch.from_numpy(going).to(device))
    return out
