"""Words that a masked language model puts in the place of others, given the words around."""

from __future__ import annotations

import os
import re

import numpy as np

from credenza.contracts import FloatArray
from credenza.data.features.stop_words import ENGLISH
from credenza.errors import InputError
from credenza.synthetic.language_model import LocalModel

_WORD = re.compile(r"[^\W\d_]{3,}")
AROUND = 300  # characters that are read on either side of a word
CHOICES = 10  # likeliest words that are drawn from
_TOGETHER = 32


class MaskedWords:
    """Replaces words by others that a masked language model finds likely in their place.

    Parameters
    ----------
    folder : a transformers masked-language model in safetensors; see :class:`LocalModel` for what is refused.
    share : of the words of a text that are replaced, one at least.

    Raises
    ------
    InputError, UsageError, MissingExtraError : as :class:`LocalModel`; InputError for a tokenizer without a mask.

    Notes
    -----
    Each word is masked by itself, with ``AROUND`` characters on either side, and replaced by one of the ``CHOICES``
    likeliest whole words other than itself, in proportion to their probabilities. The model does not know labels:
    "good" may become "bad". Prefer synonyms where labels hang on single words.
    """

    def __init__(self, folder: str | os.PathLike[str], share: float) -> None:
        self._local = LocalModel(folder, "AutoModelForMaskedLM")
        self._share = share
        if getattr(self._local.tokenizer, "mask_token", None) is None:
            raise InputError(f"the tokenizer of {self._local.name} has no mask; give a masked-language model")

    def changed(self, text: str, rng: np.random.Generator) -> str | None:
        """The text with a share of its words replaced; None where no word can be."""
        words = [found for found in _WORD.finditer(text) if found.group().lower() not in ENGLISH]
        if not words:
            return None
        count = min(len(words), max(1, round(self._share * len(text.split()))))
        chosen = [words[place] for place in sorted(rng.permutation(len(words))[:count].tolist())]
        others: list[str | None] = []
        for start in range(0, len(chosen), _TOGETHER):
            others += self._others(text, chosen[start : start + _TOGETHER], rng)
        out, end = "", 0
        for found, other in zip(chosen, others, strict=True):
            out += text[end : found.start()] + (other or found.group())
            end = found.end()
        changed = out + text[end:]
        return None if changed == text else changed

    def _others(self, text: str, words: list[re.Match[str]], rng: np.random.Generator) -> list[str | None]:
        local, tokenizer = self._local, self._local.tokenizer
        masked = [
            text[max(0, word.start() - AROUND) : word.start()]
            + tokenizer.mask_token
            + text[word.end() : word.end() + AROUND]
            for word in words
        ]
        limit = min(local.context, getattr(tokenizer, "model_max_length", local.context))
        encoded = tokenizer(masked, return_tensors="pt", padding=True, truncation=True, max_length=limit)
        inputs = {name: encoded[name].to(local.device) for name in ("input_ids", "attention_mask")}
        with local.torch.inference_mode():
            logits = local.model(**inputs).logits.float().cpu().numpy()
        ids = encoded["input_ids"].numpy()
        found: list[str | None] = []
        for row, word in enumerate(words):
            places = np.flatnonzero(ids[row] == tokenizer.mask_token_id)
            found.append(None if not len(places) else self._drawn(logits[row, places[0]], word.group(), rng))
        return found

    def _drawn(self, logits: FloatArray, word: str, rng: np.random.Generator) -> str | None:
        """One of the likeliest whole words, in the case of ``word``."""
        tokenizer = self._local.tokenizer
        choices: list[tuple[str, float]] = []
        for number in np.argsort(-logits)[: 8 * CHOICES].tolist():
            token = str(tokenizer.convert_ids_to_tokens(number))
            other = str(tokenizer.decode([number])).strip()
            if not token.startswith("##") and other.isalpha() and other.lower() != word.lower():
                choices.append((other, float(logits[number])))
                if len(choices) == CHOICES:
                    break
        if not choices:
            return None
        weights = np.exp([score - choices[0][1] for _, score in choices])
        other = choices[int(rng.choice(len(choices), p=weights / weights.sum()))][0]
        return other.capitalize() if word[:1].isupper() else other
