"""How surprising texts are to a given model: one that was saved by this package, or a transformers folder."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from credenza.contracts import FloatArray
from credenza.data.write import one_line
from credenza.errors import InputError
from credenza.models.text.saved import load_text_model
from credenza.synthetic.language_model import LocalModel, weights_digest

__all__ = ["PerplexityModel", "perplexity_model"]


@dataclass(frozen=True)
class PerplexityModel:
    """A model that judges texts.

    Attributes
    ----------
    name : of its folder. sha256 : of its files.
    perplexity : of n texts, (n,), at least 1: exp(-log-likelihood / words or pieces of words).
    """

    name: str
    sha256: str
    perplexity: Callable[[Sequence[str]], FloatArray]

    def to_dict(self) -> dict[str, str]:
        """Name and hash, JSON-able."""
        return {"name": self.name, "sha256": self.sha256}


def perplexity_model(folder: str | os.PathLike[str], *, device: str = "auto") -> PerplexityModel:
    """Read a model to judge texts by.

    Parameters
    ----------
    folder : of an :class:`credenza.models.text.NGram` or :class:`credenza.models.text.TextTransformer` that was saved
        (it has a model.json), else of a causal language model of transformers in safetensors, see
        :class:`credenza.synthetic.language_model.LocalModel`. device : "auto", "cpu" or "cuda", for the latter.

    Raises
    ------
    InputError : no such folder or model, one of another sort, with code, pickled or damaged.
    MissingExtraError : safetensors, torch or transformers is not installed.

    Notes
    -----
    Perplexities of two models have different units (words, pieces of words) and are not comparable; those of texts
    under one model are. Cost: one pass of the model over each text.

    Examples
    --------
    >>> import tempfile
    >>> from credenza.models.text import NGram
    >>> with tempfile.TemporaryDirectory() as name:
    ...     NGram(order=2).fit(["the cat sat.", "the dog sat."]).save(Path(name, "pets"))
    ...     model = perplexity_model(Path(name, "pets"))
    >>> usual, odd = model.perplexity(["the cat sat.", "sat cat the."])
    >>> model.name, bool(usual < odd)
    ('pets', True)
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise InputError(f"no folder {path}; give the folder of a language model")
    judge: Callable[[Sequence[str]], FloatArray]
    if (path / "model.json").is_file():
        judge = load_text_model(path).perplexity
    else:
        judge = _Local(LocalModel(path, device=device))
    return PerplexityModel(path.resolve().name, weights_digest(path), judge)


class _Local:
    """Perplexity under a model of transformers; longer texts are read in pieces of its context."""

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        tokenizer = model.tokenizer
        begin = tokenizer.bos_token_id
        self._begin: int | None = tokenizer.eos_token_id if begin is None else begin

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        try:
            return np.array([self._of(text) for text in texts], float)
        except (RuntimeError, IndexError, ValueError) as error:
            told = one_line(error).rstrip(".")
            raise InputError(f"{self._model.name} cannot judge texts ({told}); give another model") from error

    def _of(self, text: str) -> float:
        """exp of the mean surprise of a text's pieces of words, the first given the beginning where there is one."""
        torch = self._model.torch
        pieces = list(self._model.tokenizer(text, add_special_tokens=False)["input_ids"])
        ids = torch.tensor([*([] if self._begin is None else [self._begin]), *pieces])
        total, step = 0.0, max(2, min(self._model.context, 1_024))
        for start in range(0, len(ids) - 1, step - 1):
            total += self._surprise(ids[start : start + step].to(self._model.device))
        return math.exp(total / max(len(ids) - 1, 1))

    def _surprise(self, ids: Any) -> float:
        """Sum of -ln P of all but the first."""
        torch = self._model.torch
        with torch.inference_mode():
            logits = self._model.model(ids[None]).logits[0, :-1].float()
        return float(torch.nn.functional.cross_entropy(logits, ids[1:], reduction="sum"))
