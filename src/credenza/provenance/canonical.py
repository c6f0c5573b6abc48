"""JSON in the one form that its content has, so that its hash and its signature are those of the content."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from credenza.errors import InputError

LARGEST = 2**53 - 1  # whole numbers beyond it are not safe in JSON: readers round them
WRITTEN_OUT = 1e21  # numbers below it are written without an exponent, as whole numbers are


def canonical(value: Any) -> bytes:
    """UTF-8 JSON in canonical form: RFC 8785 (JSON Canonicalization Scheme), sections 3.2.2 and 3.2.3.

    No white space; names of an object sorted by UTF-16 code units; numbers as ECMAScript writes them, which is the
    shortest text that reads back as the same float64.

    Parameters
    ----------
    value : None, bool, int within 2^53 - 1, finite float (none that would be written as a whole
        number beyond that), str, or mappings (of str) and sequences of these. numpy
        scalars count as the numbers that they are, tuples as lists.

    Raises
    ------
    InputError : anything else; the message says where it is.

    Examples
    --------
    >>> canonical({"b": 1.0, "a": (True, None, 1e21, "é")}).decode()
    '{"a":[true,null,1e+21,"é"],"b":1}'
    """
    import rfc8785

    data: bytes = rfc8785.dumps(plain(value))
    return data


def plain(value: Any, where: str = "the record") -> Any:
    """``value`` as dicts, lists, text, numbers, booleans and None; see :func:`canonical` for what is refused.

    Examples
    --------
    >>> plain({"rows": np.int64(3), "names": ("a", "b")})
    {'rows': 3, 'names': ['a', 'b']}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int | float):
        return _number(value, where)
    if isinstance(value, Mapping):
        return {_name(name, where): plain(item, f"{where}: {name}") for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(item, f"{where}: item {place}") for place, item in enumerate(value)]
    raise InputError(
        f"{where} is a {type(value).__name__}, which JSON cannot hold; give text, numbers, lists or mappings"
    )


def read_object(text: str | bytes, what: str) -> dict[str, Any]:
    """The JSON object that a text holds, read strictly.

    Parameters
    ----------
    text : UTF-8. what : what messages call it, such as "the record chain.json".

    Raises
    ------
    InputError : no JSON, no object, a name that comes twice (which readers tell differently), NaN or infinity.

    Examples
    --------
    >>> read_object('{"a": 1}', "the record")
    {'a': 1}
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{what} is not JSON that can be trusted ({reason}); give what was written"
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{what} is no JSON object, but a {type(found).__name__}; give what was written")
    return found


def _number(value: float, where: str) -> int | float:
    """A number that every reader takes for the same one."""
    whole = isinstance(value, int)
    if LARGEST < abs(value) < (math.inf if whole else WRITTEN_OUT):
        raise InputError(f"{where} is {value}, beyond 2^53, which JSON cannot hold exactly; give it as text")
    if not math.isfinite(value):
        raise InputError(f"{where} is {value}, which JSON cannot hold; give a finite number or none")
    return int(value) if whole else float(value)


def _text(value: str, where: str) -> str:
    """Text of whole characters, as plain str also where it is of a subclass."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where} holds half of a character ({value!r}), which UTF-8 cannot; give whole text"
        ) from error
    return str.__str__(value)


def _name(name: Any, where: str) -> str:
    if not isinstance(name, str):
        raise InputError(f"{where} has the name {name!r}; names in JSON are text")
    return _text(name, where)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} comes twice in one object")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number in JSON")
