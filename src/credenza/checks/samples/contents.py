"""What stands for the images or texts of a source when near copies are looked for: hashes, or signatures."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.checks.samples.near import drawn_rows
from credenza.contracts import IntArray
from credenza.data import Source
from credenza.data.columns import as_strings, plain
from credenza.data.features import Contents, Unreadable, candidate_columns, minhash, perceptual_hash
from credenza.data.features.shingles import NOTHING
from credenza.data.media import MediaReader
from credenza.data.pictures import decode_images
from credenza.errors import InputError

MOST_ROWS = 100_000  # that are read; of more, a seeded sample is
TEXTS_AT_ONCE = 256
_HEAD = 64
_HEADS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8")


@dataclass(frozen=True)
class Content:
    """Where the contents of a source are: ``kind`` is "images" or "texts"; several columns of texts go together."""

    kind: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        how = "perceptual hash" if self.kind == "images" else "MinHash of shingles"
        return f"{self.kind} in {' and '.join(map(repr, self.columns))} ({how})"


@dataclass(frozen=True)
class Fingerprints:
    """What stands for each row.

    Attributes
    ----------
    rows : int64 (r,), ascending: the rows that have one. values : uint64 (r,), or uint32 (r, permutations).
    seen : rows that were read: all, or a sample. plain : of these, images of one colour, or texts without words.
    unreadable : of these, those that could not be read, each with the reason.
    """

    rows: IntArray
    values: NDArray[Any]
    seen: int
    plain: int
    unreadable: tuple[Unreadable, ...] = ()

    def part(self, places: IntArray) -> Fingerprints:
        """Some of the rows that have one."""
        return Fingerprints(self.rows[places], self.values[places], self.seen, self.plain, self.unreadable)


def find_content(source: Source, columns: Collection[str], features: Collection[str] = ()) -> Content | None:
    """The images of a source, or else its texts; None where it has neither.

    Parameters
    ----------
    columns : that are looked at. features : of these, columns with few values, which are categories and no texts.

    Notes
    -----
    Of several columns of images the first is taken. Reads the heads of the columns of files and of texts.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> str(find_content(open_source(pa.table({"id": [1], "review": ["A film that one forgets."]})), {"review"}))
    "texts in 'review' (MinHash of shingles)"
    """
    if isinstance(source.reader, MediaReader):
        name = source.reader.content
        return Content("images", (name,)) if source.kind == "images" and name in columns else None
    files, texts = candidate_columns(source)
    for name in files:
        if name in columns and _holds_images(source, name):
            return Content("images", (name,))
    found = tuple(name for name in texts if name in columns and name not in features)
    return Content("texts", found) if found else None


def read_fingerprints(source: Source, content: Content, *, seed: int = 0, label: str = "") -> Fingerprints:
    """Read the contents, or those of a seeded sample of 100,000 rows, and keep what stands for each.

    Images have a perceptual hash (:func:`credenza.data.features.perceptual_hash`), texts the MinHash signature of their
    runs of five words (:func:`credenza.data.features.minhash`). Images that cannot be read are listed and left out.

    Raises
    ------
    MissingExtraError : images without Pillow.

    Notes
    -----
    Cost: about 1 ms for an image of 32 x 32, 2 ms for a text of 700 words. Memory: 8 bytes an image and one batch of
    files, 512 bytes a text.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> source = open_source(pa.table({"review": ["A film that one forgets.", None, "Good!"]}))
    >>> found = read_fingerprints(source, Content("texts", ("review",)))
    >>> found.rows.tolist(), found.values.shape, found.plain
    ([0, 2], (2, 128), 1)
    """
    wanted = np.zeros(source.rows, bool)
    wanted[drawn_rows(source.rows, MOST_ROWS, seed)] = True
    read = _images if content.kind == "images" else _texts
    return read(source, content, wanted, label or content.kind)


def _images(source: Source, content: Content, wanted: NDArray[np.bool_], label: str) -> Fingerprints:
    contents = Contents(source, content.columns[0], ())
    hashes = np.zeros(len(wanted), np.uint64)
    unreadable, start = [], 0
    for _, items in contents.batches(label):
        for row, (name, value) in enumerate(items, start):
            if not wanted[row]:
                continue
            try:
                loaded = contents.load(name, value)
                (pixels,) = decode_images(pa.array([loaded], pa.large_binary()), names=[name])
                hashes[row] = perceptual_hash(pixels)
            except InputError as error:
                unreadable.append(Unreadable(row, name, str(error)))
        start += len(items)
    rows = np.flatnonzero(hashes)  # an image of one colour has 0
    seen = int(wanted.sum())
    return Fingerprints(rows, hashes[rows], seen, seen - len(rows) - len(unreadable), tuple(unreadable))


def _texts(source: Source, content: Content, wanted: NDArray[np.bool_], label: str) -> Fingerprints:
    first, *rest = content.columns

    def texts() -> Iterator[tuple[int, str]]:
        row = 0
        for carried, items in Contents(source, first, rest).batches(label):
            others = [as_strings(column).to_pylist() for column in carried.columns]
            for (_, value), *more in zip(items, *others, strict=True):
                if wanted[row]:
                    yield row, "\n".join(text for text in (value, *more) if text)
                row += 1

    rows: list[int] = []
    parts: list[NDArray[np.uint32]] = []
    held: list[str] = []
    for row, text in texts():
        rows.append(row)
        held.append(text)
        if len(held) == TEXTS_AT_ONCE:
            parts.append(minhash(held))
            held = []
    signatures = np.concatenate([*parts, minhash(held)])
    worded = (signatures != NOTHING).any(axis=1)
    return Fingerprints(np.array(rows, np.int64)[worded], signatures[worded], len(rows), int((~worded).sum()))


def _holds_images(source: Source, name: str) -> bool:
    """Whether the first value of a column of files begins as an image does."""
    head = plain(next(source.batches([name], size=_HEAD)).column(0))
    if pa.types.is_struct(head.type):
        head = head.field("bytes")
    first = next((value for value in head.to_pylist() if value), b"")
    return first.startswith(_HEADS) or (first[:4] == b"RIFF" and first[8:12] == b"WEBP")
