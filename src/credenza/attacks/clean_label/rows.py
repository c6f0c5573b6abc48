"""Pictures of chosen rows as one array for a model, and back into their column; torch is not needed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.attacks.base import members
from credenza.attacks.columns import BoolArray, require_columns, spell
from credenza.attacks.labels import Labels
from credenza.contracts import IntArray
from credenza.data.columns import Family, family, plain_type
from credenza.data.edits import Edits, edited, flat, gather
from credenza.data.pictures import decode_images, encode_images
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, InputError, MissingExtraError, UsageError

Picture = NDArray[np.uint8]
Pictures = NDArray[np.uint8]  # (N, C, H, W), C is 1 (grey) or 3 (red, green, blue)


@dataclass(frozen=True)
class Chosen:
    """Rows of a source with their pictures: ``files`` as stored, ``originals`` decoded, ``pictures`` stacked."""

    source: Source
    column: str
    rows: IntArray
    files: pa.Array
    originals: list[Picture]
    pictures: Pictures

    def output(self, images: Sequence[Picture]) -> tuple[Source, dict[str, Any]]:
        """The source with other pictures in these rows, and how far what was written is from what was meant.

        ``lossless`` and ``largest_rounding`` (grey levels) compare the pictures with what their files decode
        to: JPEG rounds, everything else keeps every value.
        """
        written = encode_images(images, self.files)
        off = [
            int(np.abs(a.astype(int) - b.astype(int)).max(initial=0))
            for a, b in zip(images, decode_images(written), strict=True)
        ]
        output = edited(self.source, Edits.values(self.rows, {self.column: written}))
        return output, {"lossless": not any(off), "largest_rounding": max(off)}


def require_torch(attack: str) -> None:
    """Raise MissingExtraError unless torch is installed."""
    if find_spec("torch") is None:
        needed = f"attack {attack!r} needs torch, which is not installed"
        raise MissingExtraError(f"{needed}: pip install 'credenza[torch]'")


def picture_column(source: Source, column: str | None, taken: Sequence[str]) -> str:
    """The column of pictures: the one that is named, or the only one of binary files.

    Raises
    ------
    InputError : there is no such column, or none of that kind. UsageError : several are.
    """
    if column is not None:
        require_columns((column,), source.columns)
        if not _holds_files(source.schema.field(column).type):
            kind = source.schema.field(column).type
            raise InputError(f"column {column!r} holds {kind}; name a column of images (files as bytes)")
        return column
    found = [item.name for item in source.schema if item.name not in taken and _holds_files(item.type)]
    if len(found) == 1:
        return str(found[0])
    if not found:
        shown = ", ".join(f"{item.name!r} ({item.type})" for item in list(source.schema)[:6])
        raise InputError(f"the attack needs a column of images (files as bytes); there are {shown}")
    shown = ", ".join(map(repr, found[:8]))
    raise UsageError(f"{len(found)} columns may hold images: {shown}; name one with column=...")


def eligible_rows(source: Source, labels: Labels, target: Any, column: str, where: Any) -> IntArray:
    """Rows of the target label inside the slice that have a picture, ascending.

    Raises
    ------
    InputError : there is no such label, or slice. InfeasibleError : no such row.
    """
    own = labels.codes == labels.code(target, "target")
    rows = np.flatnonzero(own & members(source, where) & _present(source, column))
    if not len(rows):
        within = "" if where is None else f" where {dict(where)}"
        raise InfeasibleError(f"no row of label {spell(target)!r}{within} has a picture; choose others")
    return rows


def rows_of_rate(rate: float, eligible: int, target: Any) -> int:
    """Whole rows of a share.

    Raises
    ------
    InfeasibleError : it rounds to none.
    """
    if count := round(rate * eligible):
        return count
    found = f"rate {rate:g} rounds to no row among the {eligible:,} of label {spell(target)!r}"
    raise InfeasibleError(f"{found}; ask for at least {1 / eligible:.2g}")


def choose(source: Source, column: str, rows: IntArray) -> Chosen:
    """Read the pictures of some rows; one pass over the source.

    Raises
    ------
    InputError : a file that is no picture, or pictures of different sizes or kinds.
    """
    files = flat(gather(source, rows, [column])[column])
    originals = decode_images(files, names=[f"row {row}" for row in rows.tolist()])
    return Chosen(source, column, rows, files, originals, stacked(originals))


def stacked(images: Sequence[Picture]) -> Pictures:
    """Pictures as one array (N, C, H, W); transparency is left out.

    Raises
    ------
    InputError : they are of different sizes, or some are grey and some in colour.

    Examples
    --------
    >>> stacked([np.zeros((4, 5, 3), np.uint8)] * 2).shape
    (2, 3, 4, 5)
    """
    kinds = dict.fromkeys(_kind(image) for image in images)
    if len(kinds) > 1:
        shown = " and ".join(list(kinds)[:2])
        raise InputError(
            f"pictures differ: some are {shown}; a model takes one size and kind, convert them first"
        )
    layers = [image[:, :, None] if image.ndim == 2 else image[:, :, :3] for image in images]
    return np.ascontiguousarray(np.stack(layers).transpose(0, 3, 1, 2))


def unstacked(pictures: Pictures, originals: Sequence[Picture]) -> list[Picture]:
    """Pictures in the shapes of the originals, with their transparency."""
    out = []
    for new, old in zip(pictures, originals, strict=True):
        image = old.copy()
        if old.ndim == 2:
            image[:] = new[0]
        else:
            image[:, :, :3] = new.transpose(1, 2, 0)
        out.append(image)
    return out


def _present(source: Source, column: str) -> BoolArray:
    """Rows with a value in a column; one pass, none over a folder of pictures."""
    if source.kind == "images":
        return np.ones(source.rows, dtype=bool)
    parts = [batch.column(0).is_valid().to_numpy(zero_copy_only=False) for batch in source.batches([column])]
    return np.concatenate(parts)


def _kind(image: Picture) -> str:
    return f"{image.shape[1]}x{image.shape[0]} {'grey' if image.ndim == 2 else 'colour'}"


def _holds_files(kind: pa.DataType) -> bool:
    kind = plain_type(kind)
    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return bool(index >= 0 and family(kind.field(index).type) is Family.BINARY)
    return family(kind) is Family.BINARY
