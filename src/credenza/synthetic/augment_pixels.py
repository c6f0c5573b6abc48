"""Images varied as a whole: flipped, cropped, recoloured, with noise, with a square covered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.data.edits import take_values
from credenza.data.features.contents import find_contents
from credenza.data.pictures import decode_images, encode_images
from credenza.data.sources import open_source
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.models.base import require_seed
from credenza.synthetic.base import Synthetic, require_free
from credenza.synthetic.parents import ORIGIN, drawn_parents, varied

MOST_CROPPED = 0.125  # of a side that a crop takes off
COLOUR_RANGE = 0.2  # brightness, contrast and saturation are multiplied by 1 - range ... 1 + range
NOISE_LEVEL = 8.0  # standard deviation, of 255
COVERED = 0.25  # of a side, by cutout
_AT_ONCE = 256

Pixels = NDArray[np.uint8]


def augment_images(
    data: Any,
    *,
    column: str | None = None,
    methods: Sequence[str] | None = None,
    variations: int = 3,
    rows: int | None = None,
    seed: int = 0,
) -> Synthetic:
    """Vary images; labels and all other columns stay those of the parent.

    Each variation draws a non-empty set of the methods, every one with probability 1/2, and applies them in the order
    of ``METHODS``: flip (left and right change sides), crop (up to ``MOST_CROPPED`` of each side off, the rest filled
    with what lies there mirrored, so that the size stays), colour (brightness, contrast and saturation within
    ``COLOUR_RANGE``), noise (normal, ``NOISE_LEVEL``), cutout (a square of ``COVERED`` of the shorter side in the
    mean colour).

    Parameters
    ----------
    data : trusted images: a folder, or a table with a column of image files. column : None takes the only one.
    methods : of ``METHODS``, None for all. Leave flip out where sides mean something (digits, letters, left-hand
        traffic), and crop and cutout where something small decides the label.
    variations : of each image. rows : in place of it, how many in all, spread evenly.
    seed : decides all draws.

    Returns
    -------
    The columns of the data (images in the file format of their parents), ``source``, ``parent`` (the number of the row
    that was varied, from 0) and ``how`` (such as "flip+noise"), parents in rising order.

    Raises
    ------
    UsageError : a number out of range, an unknown method. InputError : no images, or damaged ones; a column called like
        one of origin. InfeasibleError : no variation differs from its parent. MissingExtraError : no Pillow.

    Notes
    -----
    Transparency stays as it is. Memory: the files, and the pixels of ``_AT_ONCE`` images.
    Flips and crops keep a trigger that covers the image, and noise and cutout keep most: vary trusted images only.
    Source: Shorten & Khoshgoftaar 2019, "A survey on Image Data Augmentation"; DeVries & Taylor 2017 (cutout, section
    3). Left out: rotations and mixtures of images, which make labels doubtful.

    Examples
    --------
    >>> from credenza.synthetic.pictures import png
    >>> image = png(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    >>> made = augment_images(pa.table({"image": [image], "label": ["cat"]}), methods=["flip"], variations=1, seed=0)
    >>> decode_images(made.data["image"])[0][0, :, 0].tolist(), made.data["how"].to_pylist()
    ([21, 18, 15, 12, 9, 6, 3, 0], ['flip'])
    """
    require_seed(seed)
    chosen = _chosen(methods)
    source = open_source(data)
    name, kind = find_contents(source, column)
    if kind != "images":
        raise InputError(f"{source.name} is of {kind} in {name!r}; give a folder or a column of images")
    require_free(source.columns, ORIGIN)
    files = source.table([name])[name]
    rng = np.random.default_rng(seed)
    parents = drawn_parents(len(files), rows, variations, rng)
    kept, hows, made = [], [], []
    for start in range(0, len(parents), _AT_ONCE):
        some = parents[start : start + _AT_ONCE]
        originals = take_values(files, some)
        names = [f"in row {row:,}" for row in some.tolist()]
        pixels = decode_images(originals, names=names)
        found = [_varied(image, chosen, rng) for image in pixels]
        good = np.array([place for place, result in enumerate(found) if result is not None], np.int64)
        if len(good):
            results = [result for result in found if result is not None]
            like = take_values(originals, good)
            made.append(encode_images([image for image, _ in results], like, names=[names[k] for k in good]))
            hows += [how for _, how in results]
            kept.append(some[good])
    if not kept:
        raise InfeasibleError(
            f"none of the {len(files):,} images is changed by {', '.join(chosen)}; use more methods"
        )
    left = len(parents) - len(hows)
    notes = [f"left out {left:,} of {len(parents):,} variations that changed nothing"] if left else []
    settings = {
        "maker": "image augmentation",
        "methods": list(chosen),
        "variations": variations,
        "rows": rows,
    }
    settings |= {"seed": seed, "column": name}
    column_made = pa.chunked_array(made) if len(made) > 1 else made[0]
    return varied(source, np.concatenate(kept), hows, {name: column_made}, settings, notes)


def flip(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Left and right exchanged."""
    return pixels[:, ::-1]


def crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Moved by up to ``MOST_CROPPED`` of each side; what comes in is the image mirrored at that edge."""
    shifts = []
    for side in pixels.shape[:2]:
        most = int(side * MOST_CROPPED)
        shifts.append(int(rng.integers(-most, most + 1)))
    pads = [(max(shift, 0), max(-shift, 0)) for shift in shifts]
    padded = np.pad(pixels, [*pads, *[(0, 0)] * (pixels.ndim - 2)], mode="symmetric")
    top, left = (max(-shift, 0) for shift in shifts)
    return np.asarray(padded[top : top + pixels.shape[0], left : left + pixels.shape[1]])


def colour(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Brightness, contrast and, of colours, saturation multiplied by factors near 1."""
    bright, contrast, saturation = 1 + COLOUR_RANGE * rng.uniform(-1, 1, 3)
    values = _shown(pixels).astype(np.float32) * bright
    if values.ndim == 3:
        grey = values.mean(axis=2, keepdims=True)
        values = grey + (values - grey) * saturation
    mean = values.mean()
    return _with_shown(pixels, mean + (values - mean) * contrast)


def noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Independent normal noise on every value."""
    shown = _shown(pixels)
    return _with_shown(pixels, shown + rng.normal(0, NOISE_LEVEL, shown.shape))


def cutout(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A square somewhere in the image in its mean colour."""
    height, width = pixels.shape[:2]
    side = max(1, int(min(height, width) * COVERED))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    values = _shown(pixels).astype(np.float32)
    values[top : top + side, left : left + side] = values.mean(axis=(0, 1))
    return _with_shown(pixels, values)


Change = Callable[[Pixels, np.random.Generator], Pixels]
METHODS: Mapping[str, Change] = {
    "flip": flip,
    "crop": crop,
    "colour": colour,
    "noise": noise,
    "cutout": cutout,
}


def _chosen(methods: Sequence[str] | None) -> dict[str, Change]:
    if methods is None:
        return dict(METHODS)
    for name in methods:
        if name not in METHODS:
            raise UsageError(f"unknown method {name!r} for images; choose from {', '.join(METHODS)}")
    if not methods or len(set(methods)) < len(methods):
        raise UsageError(f"give one method or more, each once: {', '.join(METHODS)}; found {list(methods)}")
    return {name: change for name, change in METHODS.items() if name in methods}


def _varied(
    pixels: Pixels, chosen: Mapping[str, Change], rng: np.random.Generator
) -> tuple[Pixels, str] | None:
    """A variation that differs from the image, and what was done; None where none does."""
    for attempt in range(3):
        used = rng.random(len(chosen)) < 0.5
        if attempt == 2:
            used[:] = True
        elif not used.any():
            used[int(rng.integers(len(chosen)))] = True
        names = [name for name, on in zip(chosen, used, strict=True) if on]
        made = pixels
        for name in names:
            made = chosen[name](made, rng)
        if not np.array_equal(made, pixels):
            return made, "+".join(names)
    return None


def _shown(pixels: Pixels) -> Pixels:
    """Without transparency."""
    return pixels[..., :3] if pixels.ndim == 3 else pixels


def _with_shown(pixels: Pixels, values: NDArray[Any]) -> Pixels:
    """The image with other visible values."""
    rounded = np.rint(values).clip(0, 255).astype(np.uint8)
    return np.concatenate([rounded, pixels[..., 3:]], axis=2) if pixels.shape[2:] == (4,) else rounded
