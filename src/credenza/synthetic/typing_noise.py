"""Slips of the hand on a keyboard."""

from __future__ import annotations

import numpy as np

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    places = {
        key: (row, column + row / 2) for row, keys in enumerate(_ROWS) for column, key in enumerate(keys)
    }
    return {
        key: "".join(
            other
            for other, (r, c) in places.items()
            if other != key and other.isalpha() and abs(r - row) <= 1 and abs(c - column) <= 1
        )
        for key, (row, column) in places.items()
        if key.isalpha()
    }


NEIGHBOURS = _neighbours()
LEAST_LETTERS = 4


def mistyped(word: str, rng: np.random.Generator) -> str | None:
    """A word with one slip: a key beside the right one, two letters swapped, one twice or left out.

    The first letter stays. None where nothing applies: fewer than ``LEAST_LETTERS`` letters, or none on the keyboard
    (an American one).

    Examples
    --------
    >>> sorted({mistyped("word", np.random.default_rng(seed)) for seed in range(8)})
    ['wod', 'wor', 'wordd', 'wore', 'worr']
    """
    places = [place for place in range(1, len(word)) if word[place].lower() in NEIGHBOURS]
    if len(word) < LEAST_LETTERS or not places:
        return None
    place = places[int(rng.integers(len(places)))]
    letter = word[place]
    ways = ["beside", "twice", "left out"]
    if place + 1 < len(word) and word[place + 1] != letter:
        ways.append("swapped")
    way = ways[int(rng.integers(len(ways)))]
    if way == "swapped":
        return word[:place] + word[place + 1] + letter + word[place + 2 :]
    if way == "beside":
        keys = NEIGHBOURS[letter.lower()]
        key = keys[int(rng.integers(len(keys)))]
        middle = key.upper() if letter.isupper() else key
    else:
        middle = letter * 2 if way == "twice" else ""
    return word[:place] + middle + word[place + 1 :]
