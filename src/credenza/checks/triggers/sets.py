"""Images with their classes, of the suspect, its reference and a generator's output, read once for all checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.association.profile import Profile
from credenza.checks.samples.contents import find_content
from credenza.checks.samples.evidence import Labels
from credenza.contracts import IntArray
from credenza.data import Source
from credenza.data.columns import as_strings
from credenza.errors import InputError
from credenza.models.embedding.pictures import each_picture

MOST_IMAGES, MOST_BYTES = 50_000, 1 << 30  # of a side; of more, a seeded sample is read


@dataclass(frozen=True)
class ImageSet:
    """Images of one size and their classes: uint8 (n, H, W, 3), int64 (n,). ``name`` : of the data.

    ``rows`` : int64 (n,), which rows of the data these are.
    """

    images: NDArray[np.uint8]
    labels: IntArray
    name: str
    rows: IntArray

    def counts(self, classes: int) -> IntArray:
        """Images of each class."""
        return np.bincount(self.labels, minlength=classes)

    def of(self, classes: IntArray) -> ImageSet:
        """The images of some classes, which get codes in this order."""
        place = np.full(int(max(self.labels.max(initial=0), classes.max(initial=0))) + 1, -1)
        place[classes] = np.arange(len(classes))
        kept = place[self.labels] >= 0
        return ImageSet(self.images[kept], place[self.labels[kept]], self.name, self.rows[kept])


@dataclass
class ImageSets:
    """What the checks of triggers look at; read when one of them asks.

    ``suspect``, ``reference`` : the data. ``column`` : of the class labels, on every side. ``given`` : labels of the
    suspect. ``model``, ``generated`` : as given to :func:`credenza.audit`. ``opened`` : opens the generated data.
    """

    suspect: Source
    reference: Source | Profile | None
    column: str | None
    labels: Callable[[], Labels | None]
    seed: int = 0
    model: Any = None
    generated: Any = None
    opened: Callable[[Any], Source] | None = field(default=None, repr=False)

    @cached_property
    def has_images(self) -> bool:
        """Whether the suspect has labels, and images as CZ003 finds them."""
        if self.column is None:
            return False
        found = find_content(self.suspect, self.suspect.columns, self.suspect.columns)
        return found is not None and found.kind == "images"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the suspect's classes, by code: sorted, numbers by value."""
        labels = self.labels()
        return () if labels is None else labels.classes

    @cached_property
    def own(self) -> ImageSet:
        """Of the suspect."""
        return self._read(self.suspect)

    @cached_property
    def known(self) -> ImageSet | None:
        """Of the reference; None of a profile, or where there is none with such columns."""
        if not isinstance(self.reference, Source) or self.column not in self.reference.columns:
            return None
        return self._read(self.reference)

    @cached_property
    def made(self) -> ImageSet:
        """Of the generated images."""
        assert self.opened is not None
        return self._read(self.opened(self.generated))

    def _read(self, source: Source) -> ImageSet:
        """Images and codes of one side.

        Raises
        ------
        InputError : no images, no such column of labels, images of several sizes, or none of a known class.
        """
        assert self.column is not None
        content = find_content(source, source.columns, source.columns)
        if content is None or content.kind != "images":
            raise InputError(
                f"{source.name} has no images; give a folder of images or a table with a column of them"
            )
        if self.column not in source.columns:
            raise InputError(
                f"{source.name} has no column {self.column!r} of classes; name it as the suspect's is"
            )
        names = np.concatenate(
            [
                np.asarray(as_strings(part.column(0)).to_pylist(), object)
                for part in source.batches([self.column])
            ]
        )
        code = {name: place for place, name in enumerate(self.classes)}
        labels = np.array([code.get(name, -1) for name in names], np.int64)
        return _images(source, content.columns[0], labels, self.seed)


def _images(source: Source, column: str, labels: IntArray, seed: int) -> ImageSet:
    """The images of known classes, or a seeded sample; those that cannot be read are left to CZ004."""
    rows = np.flatnonzero(labels >= 0)
    wanted = np.random.default_rng([seed, 503]).permutation(rows)
    chosen: set[int] | None = None
    found: list[NDArray[np.uint8]] = []
    kept: list[int] = []
    for row, pixels in each_picture(source, column, f"images of {source.name}"):
        if not isinstance(pixels, np.ndarray) or labels[row] < 0:
            continue
        if chosen is None:
            most = min(MOST_IMAGES, max(1, MOST_BYTES // pixels.nbytes))
            chosen = set(wanted[:most].tolist())
        if row not in chosen:
            continue
        if found and found[0].shape != pixels.shape:
            sizes = " and ".join(f"{one.shape[1]} x {one.shape[0]}" for one in (found[0], pixels))
            raise InputError(
                f"the images of {source.name} are of several sizes, {sizes}; class means need one"
            )
        found.append(pixels)
        kept.append(row)
    if not found:
        raise InputError(
            f"{source.name} has no readable image of a class of the suspect; give images of its classes"
        )
    numbers = np.array(kept, np.int64)
    return ImageSet(np.stack(found), labels[numbers], source.name, numbers)
