"""Images with classes: procedural faces, or a folder or table of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.data import open_source
from credenza.data.features import candidate_columns
from credenza.errors import InputError
from credenza.models.digest import digest_of
from credenza.models.embedding.pictures import read_pictures
from credenza.studies import faces
from credenza.studies.chain.settings import Scale
from credenza.studies.common.seeds import derived

Images = NDArray[np.uint8]
MARKS = ("Wearing_Hat", "Smiling")  # two attributes, four classes: one easy to draw, one fine
FACE_CLASSES = ("neither", "hat", "smile", "both")
LABEL = "label"
SPLITS = 4  # times the rows of one split that are drawn, so that models do not all see the same ones


@dataclass(frozen=True)
class Labelled:
    """Images uint8 (n, s, s, 3) and the class of each, int64 (n,)."""

    images: Images
    labels: IntArray

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, rows: IntArray) -> Labelled:
        """Some of the rows."""
        return Labelled(self.images[rows], self.labels[rows])

    def beside(self, other: Labelled) -> Labelled:
        """These rows, then others."""
        return Labelled(
            np.concatenate([self.images, other.images]), np.concatenate([self.labels, other.labels])
        )


@dataclass(frozen=True)
class World:
    """All images of a study. ``classes`` are their names; the first is the attacker's target."""

    every: Labelled
    classes: tuple[str, ...]
    source: str
    digest: str


@dataclass(frozen=True)
class Parts:
    """One model's split: rows for the diffusion model, the user, the networks that measure, and the test."""

    train: Labelled
    own: Labelled
    judge: Labelled
    test: Labelled


def world(scale: Scale, data: str | None, seed: int) -> World:
    """Images enough for the scale.

    Parameters
    ----------
    data : folder with a folder of images for each class, or table with a column of images and a column ``label``;
        None draws faces, whose class says whether they wear a hat, smile, both or neither.

    Raises
    ------
    InputError : data without images or labels, with one class, or fewer rows than a split takes.
    """
    if data is None:
        return _faces(SPLITS * scale.rows, scale.size, seed)
    return _read(scale.rows, scale.size, data)


def split(whole: World, scale: Scale, seed: int, number: int) -> Parts:
    """Disjoint parts: training and own rows drawn anew for each model's number, those that measure always the same."""
    rows = np.random.default_rng(derived(seed, "measuring")).permutation(len(whole.every))
    judge, test, rest = np.split(rows, np.cumsum([scale.judge, scale.test]))
    drawn = np.random.default_rng(derived(seed, "training", number)).permutation(rest)
    train, own = np.split(drawn[: scale.train + scale.own], [scale.train])
    return Parts(*(whole.every.part(part) for part in (train, own, judge, test)))


@lru_cache(maxsize=2)
def _faces(count: int, size: int, seed: int) -> World:
    labels = np.random.default_rng(derived(seed, "classes")).integers(0, 4, count)
    table = faces.attribute_table(count, seed=derived(seed, "attributes"))
    columns = {name: np.asarray(table[name]) for name in table.column_names}
    columns |= {MARKS[0]: labels % 2 == 1, MARKS[1]: labels >= 2}
    images = faces.render(columns, size=size, seed=derived(seed, "faces"))
    return World(Labelled(images, labels), FACE_CLASSES, "procedural faces", digest_of(images, labels))


@lru_cache(maxsize=2)
def _read(rows: int, size: int, data: str) -> World:
    source = open_source(data)
    if LABEL not in source.columns:
        raise InputError(
            f"{source.name} has no column {LABEL!r} of classes; give a folder of class folders, or one"
        )
    files, _ = candidate_columns(source)
    if not files:
        raise InputError(f"{source.name} has no column of images; give a folder of class folders, or one")
    pictures = read_pictures(source, files[0], (size, size))
    texts = pa.concat_arrays(
        [batch.column(0).cast(pa.string()) for batch in source.batches([LABEL])]
    ).to_numpy(zero_copy_only=False)
    names, codes = np.unique(texts[pictures.rows].astype(str), return_inverse=True)
    if len(names) < 2:
        raise InputError(f"{source.name} has one class, {str(names[0])!r}; a trigger needs two or more")
    if len(codes) < rows:
        raise InputError(f"{source.name} has {len(codes):,} images; this scale takes {rows:,} or more")
    images = np.asarray(pictures.pixels)
    return World(
        Labelled(images, codes.astype(np.int64)),
        tuple(str(name) for name in names),
        source.name,
        digest_of(images, codes),
    )
