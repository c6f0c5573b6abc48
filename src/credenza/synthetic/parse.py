"""Examples out of a list that a language model wrote: numbers, bullets, quotes and remarks taken off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_MARK = re.compile(r"(?:[-*+•–—·‣▪◦]|\(?\d{1,3}[.):]|#\d{1,3}[.:)]?|\[\d{1,3}\]|\(?[a-z]\))(?:\s+|$)")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_AFTER_QUOTE = re.compile(r"(?<=[\"'”’`»])[,;]$")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
_PAIRS = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“", "`": "`", "**": "**", "__": "__"}


def parse_list(text: str, *, cut: bool = False) -> list[str]:
    """The examples of a written list, in order, each once.

    Lines are examples. Numbers (``1.``, ``2)``, ``(3)``, ``#4``, ``[5]``), letters (``a)``), bullets, code fences and
    quotes or asterisks around a whole example are taken off; blank lines and repeats (but for case and white space) are
    left out. Where two lines or more carry a mark, the others are remarks and left out, but for indented ones, which go
    on with the line before. Where none does, a first line that ends with a colon is a remark. A JSON list of texts is
    taken as it is.

    Parameters
    ----------
    text : what the model wrote. cut : whether it was stopped in the middle: the last example is then left out.

    Returns
    -------
    Examples without surrounding white space, none of them empty.

    Notes
    -----
    Cost: O(length). An example that itself begins like a list's item ("3. The third man") loses that beginning; one
    such as "3.5 million" does not, for lack of a space. Left out: examples of several lines without indentation.

    Examples
    --------
    >>> parse_list("Here are three:\\n\\n1. \\"a red car\\"\\n2. a blue car\\n\\n3) A  RED car\\nHope this helps!")
    ['a red car', 'a blue car']
    >>> parse_list("first\\nsecond\\nthi", cut=True)
    ['first', 'second']
    """
    listed = _json_list(text)
    if listed is None:
        listed = _lines(text)
    if cut:
        listed = listed[:-1]
    return distinct(filter(None, map(_unquoted, listed)))


def likeness(text: str) -> str:
    """What two texts share that are the same but for case and white space.

    >>> likeness(" A  Red\\tcar ") == likeness("a red car")
    True
    """
    return " ".join(text.casefold().split())


def distinct(texts: Iterable[str], seen: set[str] | None = None) -> list[str]:
    """Texts in order, each once, less those whose likeness is in ``seen``, to which they are added.

    >>> distinct(["a", "A", "b"], {"b"})
    ['a']
    """
    found = set() if seen is None else seen
    kept = []
    for text in texts:
        key = likeness(text)
        if key not in found:
            found.add(key)
            kept.append(text)
    return kept


def _json_list(text: str) -> list[str] | None:
    body = "\n".join(line for line in text.splitlines() if not _FENCE.match(line)).strip()
    if not body.startswith("["):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(found, list) and all(isinstance(item, str) for item in found)
    return [" ".join(item.split()) for item in found] if whole else None


def _lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and not _FENCE.match(line)]
    marked = [_MARK.match(line.strip()) is not None for line in lines]
    if sum(marked) < 2:
        if len(lines) > 1 and lines[0].rstrip().endswith(":") and not marked[0]:
            lines = lines[1:]
        return [_unmarked(line) for line in lines]
    found: list[str] = []
    going = False
    for line, mark in zip(lines, marked, strict=True):
        if mark:
            found.append(_unmarked(line))
        elif going and line[0].isspace():
            found[-1] = f"{found[-1]} {line.strip()}".strip()
        going = mark or (going and line[0].isspace())
    return found


def _unmarked(line: str) -> str:
    stripped = line.strip()
    found = _MARK.match(stripped)
    return stripped[found.end() :] if found else stripped


def _unquoted(text: str) -> str:
    """The text without quotes or bold marks around the whole of it, and without a comma after such a quote."""
    text = text.strip()
    while True:
        bare = _AFTER_QUOTE.sub("", text)
        for opening, closing in _PAIRS.items():
            inner = bare[len(opening) : len(bare) - len(closing)]
            marks = _APOSTROPHE.sub("", inner)
            whole = (
                len(bare) >= len(opening + closing) and bare.startswith(opening) and bare.endswith(closing)
            )
            if whole and opening not in marks and closing not in marks:
                break
        else:
            return text
        text = inner.strip()
