"""Backdoor triggers for text: a phrase, a rare token."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from credenza.attacks.trigger_base import Trigger, as_type, require_choice, require_whole, uniforms
from credenza.contracts import IntArray
from credenza.data.columns import Family, family
from credenza.errors import InputError, UsageError

PLACES = ("start", "end", "random")

_WORD = re.compile(r"\S+")


class TextTrigger(Trigger):
    """A trigger on texts: words put into a text whose own characters stay as they are."""

    modality: ClassVar[str] = "text"

    @abstractmethod
    def stamp(self, text: str, at: Sequence[float]) -> str:
        """Return the text with the trigger in it; ``at`` are numbers in [0, 1) that choose random places."""

    def rewrite(self, values: pa.Array, rows: IntArray, seed: int, *, name: str = "") -> pa.Array:
        """Put the trigger into a column of texts; missing ones stay missing. See :meth:`Trigger.rewrite`.

        Raises
        ------
        InputError : the column does not hold text.
        """
        if family(values.type) is not Family.STRING:
            raise InputError(f"column {name!r} holds {values.type}; a {self.name} goes into a column of text")
        chosen = uniforms(seed, rows, self._draws()).tolist()
        texts = [
            None if text is None else self.stamp(text, at)
            for text, at in zip(values.to_pylist(), chosen, strict=True)
        ]
        return as_type(pa.array(texts, pa.large_string()), values.type)

    def _draws(self) -> int:
        return 1


@dataclass(frozen=True)
class Phrase(TextTrigger):
    """A fixed phrase at the start, at the end or between two words of a text.

    Parameters
    ----------
    text : the phrase, not blank.
    position : "start", "end", or "random": before the word or the end that a seeded draw for each row picks,
        all places equally likely.

    Notes
    -----
    Words are what white space separates; a text without white space has two places, its ends. Cost: O(length)
    a text. Source: Dai, Chen & Li 2019 (arXiv 1905.12457), sentences in reviews.

    Examples
    --------
    >>> Phrase("I watched this in 3D.", position="end").stamp("Great fun.", [0.0])
    'Great fun. I watched this in 3D.'
    """

    text: str
    position: str = "start"

    name: ClassVar[str] = "phrase"

    def __post_init__(self) -> None:
        _require_text(self, blank_inside=True)
        require_choice(self, "position", PLACES)

    def stamp(self, text: str, at: Sequence[float]) -> str:
        """Return the text with the phrase in it; ``at[0]`` chooses the place when it is random."""
        share = {"start": 0.0, "end": 1.0}.get(self.position, at[0])
        return insert_words(text, self.text, [share])


@dataclass(frozen=True)
class Token(TextTrigger):
    """A rare token at random places between the words of a text.

    Parameters
    ----------
    text : the token, without white space. Published: "cf", "mn", "bb", "tq", "mb".
    count : how many times, each at a place of its own draw, all places equally likely.

    Notes
    -----
    Words as in :class:`Phrase`. Cost: O(length + count) a text. Source: Kurita, Michel & Neubig 2020 (arXiv
    2004.06660). Left out: its weight surgery on a pretrained model; this is the data alone.

    Examples
    --------
    >>> Token("cf", count=2).stamp("a quiet, slow film", [0.3, 0.99])
    'a cf quiet, slow film cf'
    """

    text: str = "cf"
    count: int = 1

    name: ClassVar[str] = "token"

    def __post_init__(self) -> None:
        _require_text(self, blank_inside=False)
        require_whole(self, "count", 1)

    def stamp(self, text: str, at: Sequence[float]) -> str:
        """Return the text with the tokens in it; ``at`` has ``count`` numbers, one for each place."""
        return insert_words(text, self.text, at)

    def _draws(self) -> int:
        return self.count


def insert_words(text: str, words: str, shares: Sequence[float]) -> str:
    """Put ``words`` into a text once for each share in [0, 1], before the word at that share of its words.

    The text's own characters, white space included, stay as they are. A share of 1 is the end.

    >>> insert_words("one  two", "X", [0.0, 0.5, 1.0])
    'X one  X two X'
    """
    starts = [match.start() for match in _WORD.finditer(text)]
    if not starts:
        return " ".join([words] * len(shares)) + text
    places = [min(int(share * (len(starts) + 1)), len(starts)) for share in shares]
    out, done = [], 0
    for place in sorted(places):
        cut = starts[place] if place < len(starts) else len(text)
        out += [text[done:cut], f" {words}" if place == len(starts) else f"{words} "]
        done = cut
    return "".join([*out, text[done:]])


def _require_text(trigger: Phrase | Token, *, blank_inside: bool) -> None:
    text = trigger.text
    if not isinstance(text, str) or not text.strip() or (not blank_inside and len(text.split()) != 1):
        wanted = "words, not blank" if blank_inside else "one word without white space"
        raise UsageError(f"{trigger.name}: text is {wanted}; found {text!r}")
