"""Synonyms from a folder of WordNet's own files, which is named by the user and read where it lies."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from credenza.errors import InputError

PARTS = ("noun", "verb", "adj", "adv")
# How an inflected word ends, what its base ends with, and how that form of another word is made.
_ENDINGS = {
    "noun": (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ses", "s"), ("s", "")),
    "verb": (
        *(("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("es", "e"), ("s", "")),
        *(("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    ),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
_REGULAR = {"noun": ("s",), "verb": ("s", "ed", "ing"), "adj": (), "adv": ()}
_VOWELS = frozenset("aeiou")


class WordNet:
    """Words that can stand for a word, by the first senses that WordNet gives it.

    Parameters
    ----------
    folder : with ``index.noun``, ``data.noun`` and so on, in the format that Princeton's WordNet (wndb(5)) and Open
        English WordNet publish: /usr/share/wordnet of Debian's package wordnet-base, or corpora/wordnet of NLTK's data.
    senses : how many of a word's senses count, the most frequent first.

    Raises
    ------
    InputError : no such folder, or files that are missing or damaged.

    Notes
    -----
    No part of speech is guessed from context: a word is taken for the part of speech of which most senses occur in
    WordNet's tagged texts (for all, where several have as many), and its synonyms are those of its first senses there.
    A word that is not a headword is taken for the plural or the form in -s, -ed, -ing of one, and its synonyms are put
    in the same form by rule; those that WordNet's lists of exceptions call irregular are left out, and so are names and
    expressions of several words. Memory: the files, some 30 MB, read once; synonyms of 65,536 words are remembered.
    Licence of the data: WordNet 3.0's own, free for any use with its notice. It is not part of this package.
    Source: Fellbaum 1998, "WordNet: An Electronic Lexical Database". Left out: disambiguation by context, hypernyms.

    Examples
    --------
    >>> WordNet("nowhere")
    Traceback (most recent call last):
    credenza.errors.InputError: no folder nowhere; give the folder of WordNet's index.noun and data.noun
    """

    def __init__(self, folder: str | os.PathLike[str], *, senses: int = 1) -> None:
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise InputError(f"no folder {path}; give the folder of WordNet's index.noun and data.noun")
        self._path, self._senses = path, senses
        try:
            self._index = {part: _index(path / f"index.{part}") for part in PARTS}
            self._data = {part: (path / f"data.{part}").read_bytes() for part in PARTS}
            self._irregular = {part: _exceptions(path / f"{part}.exc") for part in PARTS}
        except FileNotFoundError as error:
            name = Path(error.filename).name
            raise InputError(f"{path} holds no {name}; give the folder of WordNet's files") from error
        self.synonyms = lru_cache(maxsize=1 << 16)(self._synonyms)

    def _synonyms(self, word: str) -> tuple[str, ...]:
        """Other words for a word, in its form and in the case of its first letter or of all; none for unknown words."""
        lower = word.lower()
        bases = {part: self._base(lower, part) for part in PARTS}
        found = {part: base for part, base in bases.items() if base is not None}
        tagged = {part: self._index[part][base][0] for part, (base, _) in found.items()}
        synonyms: dict[str, None] = {}
        for part, (base, form) in found.items():
            if tagged[part] == max(tagged.values()):
                synonyms |= dict.fromkeys(self._in_form(base, form, part))
        synonyms.pop(lower, None)
        return tuple(_cased(synonym, word) for synonym in synonyms)

    def _base(self, word: str, part: str) -> tuple[str, str | None] | None:
        """The headword that a word is, and the ending that it has besides; None where there is none."""
        if word in self._index[part]:
            return word, None
        for ending, base_ending in _ENDINGS[part]:
            base = word[: len(word) - len(ending)] + base_ending
            if word.endswith(ending) and base in self._index[part]:
                return base, next((form for form in _REGULAR[part] if ending.endswith(form)), "")
        return None

    def _in_form(self, base: str, form: str | None, part: str) -> list[str]:
        """Synonyms of a headword with its ending; none where that is not regular."""
        if form is None:
            return self._headwords(base, part)
        irregular = self._irregular[part]
        if not form or base in irregular:
            return []
        return [inflected(other, form) for other in self._headwords(base, part) if other not in irregular]

    def _headwords(self, word: str, part: str) -> list[str]:
        """One-word members of the first senses, without names and without the word itself."""
        places = self._index[part][word][1 : 1 + self._senses]
        members = [member for place in places for member in self._members(part, place)]
        return [member for member in members if member.isalpha() and member.islower() and member != word]

    def _members(self, part: str, place: int) -> list[str]:
        data = self._data[part]
        fields = data[place : data.find(b"\n", place)].decode("utf-8", "replace").split(" ")
        try:
            if int(fields[0]) != place:
                raise ValueError
            count = int(fields[3], 16)
            return [field.split("(")[0] for field in fields[4 : 4 + 2 * count : 2]]
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{self._path / f'data.{part}'} does not match index.{part} at byte {place:,}; "
                "give files of one release"
            ) from error


def inflected(word: str, form: str) -> str:
    """A regular word with the ending s, ed or ing.

    Examples
    --------
    >>> [inflected(word, "s") for word in ("film", "box", "story", "toy")]
    ['films', 'boxes', 'stories', 'toys']
    >>> inflected("like", "ing"), inflected("stop", "ed"), inflected("carry", "ed"), inflected("free", "ed")
    ('liking', 'stopped', 'carried', 'freed')
    """
    consonant_y = word.endswith("y") and word[-2:-1] not in _VOWELS
    if form == "s":
        if consonant_y:
            return word[:-1] + "ies"
        return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if form == "ed" and consonant_y:
        return word[:-1] + "ied"
    if word.endswith("e") and (form == "ed" or not word.endswith(("ee", "oe", "ye"))):
        return word[:-1] + form
    return (word + word[-1] if _doubles(word) else word) + form


def _doubles(word: str) -> bool:
    """Whether the last letter is written twice: consonant, vowel, consonant in a word of one syllable."""
    if len(word) < 3 or sum(letter in _VOWELS for letter in word) != 1:
        return False
    return word[-1] not in _VOWELS | set("wxy") and word[-2] in _VOWELS and word[-3] not in _VOWELS


def _cased(word: str, like: str) -> str:
    if len(like) > 1 and like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word


def _index(path: Path) -> dict[str, tuple[int, ...]]:
    """How many senses of a headword occur in tagged texts, then where all are in the data file, frequent ones first.

    Expressions of several words are left out.
    """
    found = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith(" ") or "_" in line.partition(" ")[0]:
                continue
            fields = line.split()
            try:
                senses = int(fields[2])
                found[fields[0]] = (int(fields[-senses - 1]), *map(int, fields[-senses:]))
            except (ValueError, IndexError) as error:
                raise InputError(
                    f"{path} is damaged at {line.strip()!r:.60}; give WordNet's own files"
                ) from error
    return found


def _exceptions(path: Path) -> frozenset[str]:
    """Words that have an irregular form; none where the file is absent."""
    if not path.is_file():
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(base for line in lines for base in line.split()[1:])
