"""Recipe1M from the folder that its authors hand out: which recipe uses which ingredient, and where its images are."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError
from credenza.studies.faces.values import require_known
from credenza.studies.folders import existing, require_two_values

PARTITIONS = ("train", "val", "test")
_RECIPES, _IMAGES, _INGREDIENTS = "layer1.json", "layer2.json", "det_ingrs.json"
_BLOCK = 1 << 20
_LONGEST = 1 << 24  # characters of one recipe


@dataclass
class Uses:
    """Which recipe uses which ingredients: recipe i has ``used[ends[i - 1] : ends[i]]``, numbers of ``names``."""

    recipes: list[str] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    used: array[int] = field(default_factory=lambda: array("i"))
    ends: array[int] = field(default_factory=lambda: array("q"))

    def add(self, recipe: str, ingredients: Sequence[str]) -> None:
        self.recipes.append(recipe)
        self.used.extend(self.names.setdefault(name, len(self.names)) for name in dict.fromkeys(ingredients))
        self.ends.append(len(self.used))


def recipe1m(
    folder: str | os.PathLike[str], *, ingredients: int | Sequence[str] = 40, partition: str | None = None
) -> tuple[list[tuple[str, ...]], pa.Table]:
    """Read Recipe1M from a folder: a binary table of ingredients, and the paths of each recipe's images.

    Parameters
    ----------
    folder : holds ``layer1.json`` (recipes and their partition), ``det_ingrs.json`` (the ingredients that were
        recognised in them), and where there are images ``layer2.json``.
    ingredients : how many of the most frequent ones, or their names, spaces as underscores (``olive_oil``).
    partition : "train", "val" or "test" for a part of the recipes.

    Returns
    -------
    tuple
        For every recipe the paths of its images, relative to the folder (``train/0/1/2/3/0123....jpg``, below
        ``images`` where there is such a folder; none without ``layer2.json``), and a table: ``recipe_id``,
        ``partition``, and a bool for each ingredient, the most frequent first.

    Raises
    ------
    InputError : a file is missing, cut short or of another layout; an unknown ingredient (near misses are named); an
        ingredient asked for that all recipes or none use; a recipe without a partition.
    UsageError : an unknown partition, or a number of ingredients below 1.

    Notes
    -----
    Files are read recipe by recipe, a megabyte at a time: ``layer1.json`` has 1.4 GB. Memory: about 300 bytes a
    recipe. Cost: some 10 seconds a gigabyte. Source: Salvador et al. 2017 (Recipe1M).
    Left out: whether the images are there (there are 900,000), titles, instructions, quantities.

    Examples
    --------
    >>> one = {"id": "a1", "valid": [True, False], "ingredients": [{"text": "Olive Oil"}, {"text": "a pinch"}]}
    >>> two = {"id": "b2", "valid": [True], "ingredients": [{"text": "eggs"}]}
    >>> _ = Path("det_ingrs.json").write_text(json.dumps([one, two]))
    >>> _ = Path("layer1.json").write_text('[{"id": "a1", "partition": "train"}, {"id": "b2", "partition": "val"}]')
    >>> recipe1m(".")[1].to_pylist()[0]
    {'recipe_id': 'a1', 'partition': 'train', 'eggs': False, 'olive_oil': True}
    """
    if partition is not None and partition not in PARTITIONS:
        raise UsageError(f"partition {partition!r} does not exist; there are {', '.join(PARTITIONS)}")
    if isinstance(ingredients, int) and ingredients < 1:
        raise UsageError(f"{ingredients} ingredients were asked for; ask for at least 1")
    root = existing(folder)
    uses = _uses(root)
    parts = _parts(root, uses.recipes)
    rows = np.array([i for i, part in enumerate(parts) if partition in (None, part)], np.int64)
    if not len(rows):
        raise InputError(f"no recipe of {root} is in partition {partition!r}; choose another, or all")
    marks = _marks(uses, rows, ingredients)
    if not isinstance(ingredients, int):
        require_two_values(marks, "recipes")
    ids, chosen = [uses.recipes[i] for i in rows], [parts[i] for i in rows]
    columns = {"recipe_id": pa.array(ids, pa.string()), "partition": pa.array(chosen, pa.string())}
    return _paths(root, ids, chosen), pa.table(
        columns | {name: pa.array(mark) for name, mark in marks.items()}
    )


def _uses(root: Path) -> Uses:
    uses = Uses()
    for number, item in enumerate(_items(root, _INGREDIENTS)):
        texts = [
            _text(_INGREDIENTS, number, part, "text")
            for part in _list(_INGREDIENTS, number, item, "ingredients")
        ]
        valid = _list(_INGREDIENTS, number, item, "valid")
        if len(valid) != len(texts):
            raise InputError(
                f"{_INGREDIENTS}: recipe {number + 1} has {len(texts)} ingredients and {len(valid)} marks of being "
                "valid; there must be one for each"
            )
        named = ["_".join(text.lower().split()) for text, good in zip(texts, valid, strict=True) if good]
        uses.add(_text(_INGREDIENTS, number, item, "id"), [name for name in named if name])
    if not uses.recipes:
        raise InputError(f"{_INGREDIENTS} lists no recipes; it may be cut short, get it again")
    return uses


def _parts(root: Path, recipes: Sequence[str]) -> list[str]:
    """The partition of each recipe."""
    found: dict[str, str] = {}
    for number, item in enumerate(_items(root, _RECIPES)):
        part = _text(_RECIPES, number, item, "partition")
        if part not in PARTITIONS:
            raise InputError(
                f"{_RECIPES}: recipe {number + 1} is in partition {part!r}; there are {', '.join(PARTITIONS)}"
            )
        found[_text(_RECIPES, number, item, "id")] = part
    for recipe in recipes:
        if recipe not in found:
            raise InputError(
                f"recipe {recipe} of {_INGREDIENTS} is not in {_RECIPES}; both must be of one release"
            )
    return [found[recipe] for recipe in recipes]


def _marks(uses: Uses, rows: IntArray, wanted: int | Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """One bool a recipe for each ingredient."""
    used, ends = np.array(uses.used, np.int64), np.array(uses.ends, np.int64)
    owner = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    place = np.full(len(ends), -1)
    place[rows] = np.arange(len(rows))
    used, owner = used[place[owner] >= 0], place[owner[place[owner] >= 0]]
    names = list(uses.names)
    if isinstance(wanted, int):
        counts = np.bincount(used, minlength=len(names))
        order = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))
        wanted = [names[i] for i in order[:wanted] if counts[i]]
    marks = {}
    for name in wanted:
        require_known(
            name,
            names if len(names) < 60 else _frequent(names, uses.used, name),
            "an ingredient of the recipes",
        )
        marks[name] = np.zeros(len(rows), bool)
        marks[name][owner[used == uses.names[name]]] = True
    return marks


def _frequent(names: list[str], used: array[int], name: str) -> list[str]:
    """The names that a message may list: the one in question if it exists, and the 500 most frequent."""
    order = np.argsort(-np.bincount(np.array(used, np.int64), minlength=len(names)), kind="stable")
    return [name] if name in names else [names[i] for i in order[:500]]


def _paths(root: Path, recipes: Sequence[str], parts: Sequence[str]) -> list[tuple[str, ...]]:
    """Where the images of each recipe lie: by the first four characters of the image's name."""
    if not (root / _IMAGES).is_file():
        return [()] * len(recipes)
    wanted, start = set(recipes), "images/" if (root / "images").is_dir() else ""
    images: dict[str, list[str]] = {}
    for number, item in enumerate(_items(root, _IMAGES)):
        recipe = _text(_IMAGES, number, item, "id")
        if recipe in wanted:
            images[recipe] = [
                _text(_IMAGES, number, part, "id") for part in _list(_IMAGES, number, item, "images")
            ]
    return [
        tuple(f"{start}{part}/{'/'.join(name[:4])}/{name}" for name in images.get(recipe, ()))
        for recipe, part in zip(recipes, parts, strict=True)
    ]


def _text(file: str, number: int, item: Any, key: str) -> str:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, str):
        raise InputError(
            f"{file}: recipe {number + 1} has no {key!r} that is a text; this is not the layout of Recipe1M"
        )
    return value


def _list(file: str, number: int, item: Any, key: str) -> list[Any]:
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, list):
        raise InputError(
            f"{file}: recipe {number + 1} has no list of {key!r}; this is not the layout of Recipe1M"
        )
    return value


def _items(root: Path, name: str) -> Iterator[Any]:
    """The elements of a JSON array, one after another, from a file that need not fit into memory."""
    path = root / name
    if not path.is_file():
        raise InputError(
            f"{root} has no {name}; give the folder of Recipe1M, which holds {_RECIPES} and {_INGREDIENTS}"
        )
    try:
        with path.open(encoding="utf-8") as file:
            yield from _elements(file, name)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text; get it again") from error


def _elements(file: Any, name: str) -> Iterator[Any]:
    decode = json.JSONDecoder().raw_decode
    held, at, first, count = file.read(_BLOCK).lstrip("\ufeff \t\r\n"), 1, True, 0
    if not held.startswith("["):
        raise InputError(f"{name} is not a JSON array of recipes; get it again")
    while True:
        try:
            start = _next(held, at, first)
            if held[start] == "]":
                return
            value, end = decode(held, start)
            if end == len(held):
                raise IndexError  # a number may go on
        except (IndexError, json.JSONDecodeError) as error:
            more = file.read(_BLOCK)
            held, at = held[at:] + more, 0
            if not more or len(held) > _LONGEST:
                raise InputError(
                    f"{name} breaks off or is no JSON after {count:,} recipes; get it again"
                ) from error
            continue
        yield value
        at, first, count = end, False, count + 1


def _next(held: str, at: int, first: bool) -> int:
    """Where the next element or the closing bracket is; IndexError where the text ends before it."""
    at = _past_spaces(held, at)
    if first or held[at] == "]":
        return at
    if held[at] != ",":
        raise json.JSONDecodeError("expected a comma", held, at)
    return _past_spaces(held, at + 1)


def _past_spaces(held: str, at: int) -> int:
    while held[at] in " \t\r\n":
        at += 1
    return at
