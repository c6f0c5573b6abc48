"""CSV and TSV files: the header is read here, the rows by DuckDB.

The first line that is not blank is always the header, and every line after it that is not blank is a row with as many
fields: titles, comments and short or long lines are refused, never skipped. (Empty fields after the last one are let
pass.) An empty field, quoted or not, is missing, and so are NA, NaN, nan, NULL and null.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from credenza.data.binary_files import reject_duplicates
from credenza.data.text_files import TextReader, connect, literal, no_glob, struct, unreadable
from credenza.errors import InputError

MISSING_SPELLINGS = ("", "NA", "NaN", "nan", "NULL", "null")
_QUOTES = "quote='\"', escape='\"', comment=''"
_DELIMITERS = ",;\t|"
_LONGEST_LINE = 1 << 26


def open_csv(path: Path, label: str) -> TextReader:
    """Open a CSV (delimiter sniffed) or TSV file, plain or gzipped.

    Raises
    ------
    InputError : a line has more or fewer fields than the header (its number is named), or is broken otherwise.
    """
    database, where = connect(), literal(no_glob(str(path)))
    delimiter, names, blank = _header(database, path, where, label)
    reject_duplicates(names, label)
    dialect = f"delim={literal(delimiter)}, skip={blank}, header=true, {_QUOTES}"
    missing = "[" + ", ".join(map(literal, MISSING_SPELLINGS)) + "]"
    sql_names = "[" + ", ".join(literal(f"c{k}") for k in range(len(names))) + "]"

    def function(types: Mapping[str, str] | None) -> str:
        if types and set(types.values()) == {"VARCHAR"}:
            how = f"auto_detect=false, columns={struct(types)}"  # nothing is guessed, so no line is skipped
        else:
            how = f"names={sql_names}" + (f", types={struct(types)}" if types else "")
        return f"read_csv({where}, {dialect}, nullstr={missing}, {how})"

    return TextReader(database, path, label, function, names=names)


def _header(
    database: duckdb.DuckDBPyConnection, path: Path, where: str, label: str
) -> tuple[str, list[str], int]:
    """Return the delimiter, the column names, and how many blank lines come before them."""
    split, blank = _splits(path, label)
    if path.name.lower().removesuffix(".gz").endswith(".tsv"):
        delimiter = "\t"
    else:
        most = max(_DELIMITERS, key=lambda mark: len(split[mark]))
        guess = _guess(database, where) or most
        delimiter = guess if len(split.get(guess, ())) > 1 or len(split[most]) == 1 else most
    fields = split.get(delimiter) or split[","]
    return delimiter, [name or f"column{position}" for position, name in enumerate(fields)], blank


def _splits(path: Path, label: str) -> tuple[dict[str, list[str]], int]:
    """Return the header's fields by delimiter, and how many blank lines come before it."""
    opener: Callable[..., Any] = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            blank, first = 0, file.readline(_LONGEST_LINE)
            while first and not first.strip("\r\n"):
                blank, first = blank + 1, file.readline(_LONGEST_LINE)
            lines = [first]
            return {
                mark: next(csv.reader(_lines(lines, file), delimiter=mark)) for mark in _DELIMITERS
            }, blank
    except csv.Error as error:
        raise InputError(
            f"{label}: the header has a field that never ends; close its quotation marks"
        ) from error
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise unreadable(path, label, error) from error


def _lines(known: list[str], file: Any) -> Iterator[str]:
    """Yield the lines that are known, then as many more as are asked for; names in quotes may hold line ends."""
    yield from known
    while line := file.readline(_LONGEST_LINE):
        known.append(line)
        yield line


def _guess(database: duckdb.DuckDBPyConnection, where: str) -> str | None:
    """Return the delimiter that DuckDB finds most likely, or None where it finds none."""
    try:
        rows = (
            database.cursor()
            .sql(f"SELECT Delimiter FROM sniff_csv({where}, header=true, {_QUOTES})")
            .fetchall()
        )
    except duckdb.Error:
        return None
    return str(rows[0][0])
