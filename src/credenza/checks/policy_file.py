"""The policy file: what the owner of the data expects of pairs, in TOML."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credenza.errors import InputError

EXPECTATIONS = ("independent", "positive", "negative", "bounds")
KEYS = {"features", "levels", "expect", "bounds", "tolerance"}
TOLERANCE = 0.05


@dataclass(frozen=True)
class Expectation:
    """One declared pair.

    Attributes
    ----------
    features : two column names. levels : one level of each, to speak of two levels only; else None.
    expect : "independent", "positive", "negative" or "bounds".
    low, high : the values of the association that are as expected.
    """

    features: tuple[str, str]
    levels: tuple[str, str] | None
    expect: str
    low: float
    high: float


@dataclass(frozen=True)
class Policy:
    """Expectations, with the digest of the file that they were read from."""

    expectations: tuple[Expectation, ...]
    source: str
    sha256: str


def read_policy(path: str | os.PathLike[str]) -> Policy:
    """Read a policy file.

    Each ``[[pair]]`` has ``features = [A, B]``, optionally ``levels = [a, b]``, and either ``expect`` =
    "independent" (within ``tolerance``, 0.05 unless given), "positive" or "negative", or ``bounds = [low, high]``.
    Associations are measured in [-1, 1]: MCC of two levels, rank correlation of two ordered features, else
    bias-corrected Cramer's V in [0, 1].

    Raises
    ------
    InputError : unreadable file, bad TOML, an unknown key, or a value out of range; names the pair.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the policy {path}: {error.strerror}") from error
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the policy {path} is not TOML: {error}") from error
    pairs = document.pop("pair", None)
    if document:
        raise InputError(
            f"the policy {path} has an unknown entry {min(document)!r}: it holds [[pair]] tables only"
        )
    if not isinstance(pairs, list) or not pairs or not all(isinstance(pair, dict) for pair in pairs):
        raise InputError(f"the policy {path} declares no pair: add a [[pair]] table with features and expect")
    expectations = tuple(_expectation(f"{path}, pair {k}", pair) for k, pair in enumerate(pairs, 1))
    return Policy(expectations, str(path), hashlib.sha256(raw).hexdigest())


def _expectation(where: str, pair: Mapping[str, Any]) -> Expectation:
    unknown = set(pair) - KEYS
    if unknown:
        raise InputError(f"{where}: unknown key {min(unknown)!r}: use {', '.join(sorted(KEYS))}")
    features = _two_names(where, "features", pair.get("features"))
    if features[0] == features[1]:
        raise InputError(f"{where}: features names {features[0]!r} twice: name two columns")
    levels = None if "levels" not in pair else _two_names(where, "levels", pair["levels"])
    expect = pair.get("expect", "bounds" if "bounds" in pair else None)
    if expect not in EXPECTATIONS or (expect == "bounds") != ("bounds" in pair):
        raise InputError(
            f"{where}: expect is {expect!r}: "
            "use independent, positive or negative, or give bounds = [low, high] instead"
        )
    if "tolerance" in pair and expect != "independent":
        raise InputError(f"{where}: tolerance is for expect = 'independent', found {expect!r}: leave it out")
    low, high = _range(where, expect, pair)
    return Expectation(features, levels, expect, low, high)


def _two_names(where: str, key: str, value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(v, str) for v in value):
        raise InputError(f'{where}: {key} is {value!r}: give two names, such as {key} = ["a", "b"]')
    return value[0], value[1]


def _range(where: str, expect: str, pair: Mapping[str, Any]) -> tuple[float, float]:
    if expect == "positive":
        return 0.0, 1.0
    if expect == "negative":
        return -1.0, 0.0
    value = pair["bounds"] if expect == "bounds" else [-_tolerance(where, pair), _tolerance(where, pair)]
    numbers = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
    if not numbers or not -1 <= value[0] <= value[1] <= 1:
        raise InputError(f"{where}: bounds is {value!r}: give [low, high] with -1 <= low <= high <= 1")
    return float(value[0]), float(value[1])


def _tolerance(where: str, pair: Mapping[str, Any]) -> float:
    value = pair.get("tolerance", TOLERANCE)
    if not _is_number(value) or not 0 <= value <= 1:
        raise InputError(f"{where}: tolerance is {value!r}: give a number from 0 to 1")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
