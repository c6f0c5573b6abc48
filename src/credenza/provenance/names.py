"""Names of files: those that mean one thing on every machine, and those that are mistaken for one another."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable

# Letters of other scripts, and signs, that are drawn like ASCII ones (after NFKC and case folding).
_LIKE = {
    "a": "аαɑ", "b": "вβь", "c": "сϲ", "d": "ԁ", "e": "еёεҽ", "g": "ɡցǥ", "h": "һнհ", "i": "іїιı", "j": "јϳ",
    "k": "кκ", "l": "ӏ", "m": "м", "n": "ոηπ", "o": "оοօσ", "p": "рρ", "q": "ԛ", "s": "ѕ", "t": "тτ", "u": "սυ",
    "v": "ѵν", "w": "ԝωш", "x": "хχ", "y": "уγү", "z": "ζ", "-": "‐‑‒–—―−ー_", ".": "․。", "'": "’‘ʼ`", "/": "⁄∕",
}  # fmt: skip
_DRAWN = str.maketrans({sign: plain for plain, signs in _LIKE.items() for sign in signs})


def unsafe(name: str) -> str:
    """Why a name in a manifest must not be followed to a file, or "" where it may.

    A safe name is a relative path with ``/`` between its parts, none of which is empty, ``.`` or ``..``; without
    backslashes, colons after a drive letter, control characters, and halves of characters.

    Examples
    --------
    >>> unsafe("data/part-0.parquet"), unsafe("../etc/passwd")
    ('', "has a part '..'")
    """
    if not name:
        return "is empty"
    if not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name):
        return "is not UTF-8"
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        return "has a control character"
    if "\\" in name:
        return "has a backslash"
    if name.startswith("/") or name[1:2] == ":":
        return "is absolute"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return f"has a part {part!r}"
    return ""


def plain_case(name: str) -> str:
    """A name as file systems compare it that do not tell case and forms of Unicode apart (NFKC, case folded).

    Examples
    --------
    >>> plain_case("Caf\\u0065\\u0301.CSV") == plain_case("caf\\u00e9.csv")
    True
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def skeleton(name: str) -> str:
    """What a name looks like: without invisible signs, letters of other scripts replaced by ASCII ones like them.

    After the skeletons of Unicode Technical Standard 39, section 4, with a table of its own: Cyrillic, Greek and
    Armenian letters, dashes, dots and apostrophes. Digits that resemble letters (0 and O, 1 and l) are left alone,
    since names made of hashes would all be alike.

    Examples
    --------
    >>> skeleton("d\\u0430ta.csv") == skeleton("data.csv")  # a Cyrillic letter
    True
    """
    kept = "".join(c for c in plain_case(name) if unicodedata.category(c) not in ("Cf", "Mn", "Me"))
    return kept.translate(_DRAWN)


def twins(names: Iterable[str], key: Callable[[str], str] = plain_case) -> list[tuple[str, ...]]:
    """Groups of names that are the same under ``key``, each sorted; of every part of a path, too.

    Examples
    --------
    >>> twins(["a.csv", "A.csv", "b.csv"])
    [('A.csv', 'a.csv')]
    """
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            groups[key("/".join(parts[:end]))].add("/".join(parts[:end]))
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def strange(name: str) -> str:
    """What about a name can deceive a reader, or "": letters of several scripts in one word, invisible signs.

    Examples
    --------
    >>> strange("d\\u0430ta.csv"), strange("data.csv")
    ('mixes letters of CYRILLIC and LATIN', '')
    """
    if name.isascii():
        return ""
    if any(unicodedata.category(c) == "Cf" for c in name):
        return "has invisible characters"
    for part in name.replace(".", "/").split("/"):
        scripts = {unicodedata.name(c, "?").split()[0] for c in part if c.isalpha()} & _MIXED
        if len(scripts) > 1:
            return f"mixes letters of {' and '.join(sorted(scripts))}"
    return ""


_MIXED = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH", "MATHEMATICAL"}
