"""Text with fields such as {name}: taken apart once, filled in often, and never evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping

from credenza.errors import InputError

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Fields:
    """A text with fields: ``{name}`` is replaced by a value, ``{{`` and ``}}`` are braces.

    A field is a name and nothing else. There are no attributes, indices, conversions or formats, so that no text can
    reach what its values are made of; values are put in as they are and not looked at for fields again.

    Parameters
    ----------
    text : with any number of fields. where : how messages begin, such as "template 'a'".

    Raises
    ------
    InputError : a field that is no plain name, or a brace that neither opens nor closes one.

    Notes
    -----
    Cost: O(length) to take apart; filling in joins pieces.

    Examples
    --------
    >>> fields = Fields("SELECT {what} FROM {table} -- {{{what}}}", "template 'a'")
    >>> fields.names
    ('what', 'table')
    >>> fields.filled({"what": "{table}", "table": "t"})
    'SELECT {table} FROM t -- {{table}}'
    """

    def __init__(self, text: str, where: str) -> None:
        pieces: list[tuple[str, str | None]] = []
        literal, end = "", 0
        for found in _PIECE.finditer(text):
            literal += text[end : found.start()]
            end = found.end()
            whole, name = found.group(), found.group(1)
            if whole in ("{{", "}}"):
                literal += whole[0]
                continue
            if name is None:
                raise InputError(
                    f"{where} has a single {whole!r} at character {found.start() + 1}; "
                    f"write {whole * 2} for a brace"
                )
            if not _NAME.fullmatch(name):
                raise InputError(
                    f"{where} has the field {whole!r}; a field is a plain name such as {{user_id}}, "
                    "without attributes, indices or formats"
                )
            pieces.append((literal, name))
            literal = ""
        self._pieces = tuple(pieces)
        self._tail = literal + text[end:]
        self.names: tuple[str, ...] = tuple(dict.fromkeys(name for _, name in pieces if name))

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with the value of each field in its place; raises KeyError for one without a value."""
        parts = [literal + values[name] for literal, name in self._pieces if name]
        return "".join(parts) + self._tail
