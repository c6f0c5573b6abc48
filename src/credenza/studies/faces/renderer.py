"""From a table of attributes to pictures of faces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from credenza.contracts import FloatArray
from credenza.studies.faces.chance import Keys, Traits, face_keys, traits_of
from credenza.studies.faces.colours import COLOURS, REGIONS, require_size
from credenza.studies.faces.features import draw_cheeks, draw_eyes, draw_mouth, draw_nose
from credenza.studies.faces.head import (
    Marks,
    draw_behind,
    draw_earrings,
    draw_hair,
    draw_hat,
    draw_head,
    hair_colour,
)
from credenza.studies.faces.raster import Images, Sheet, paint
from credenza.studies.faces.values import as_index, as_marks, as_shares, columns_of, require_seed

ATTRIBUTES = (
    "Bangs", "Blond_Hair", "Bushy_Eyebrows", "Eyeglasses", "Goatee", "Mouth_Slightly_Open", "Mustache", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace",
    "Wearing_Necktie",
)  # fmt: skip
_AT_ONCE = 512
_SHIFT, _SCALES, _TILT, _EXPOSURE, _SLANT, _GRAIN = 0.06, (0.95, 0.10), 0.12, (0.97, 0.06), 0.10, 0.03


def render(
    attributes: pa.Table | Mapping[str, ArrayLike],
    *,
    size: int = 32,
    seed: int,
    index: ArrayLike | None = None,
) -> Images:
    """Draw a face for every row of a table of attributes.

    A face is some fifty shapes painted over each other, with four by four samples a pixel. What the attributes leave
    open is drawn at random and independently of them: place, size and tilt, the face's width and height, eyes, brows,
    gaze, the length, width and shade of hair, clothes, light and noise, and each continuous attribute that is not
    given. Every combination of attributes can be drawn and told from every other.

    Parameters
    ----------
    attributes : columns by name. Those in ``ATTRIBUTES`` are bools (or 0 and 1, or -1 and 1), absent ones are false;
        ``COLOURS`` (skin and background, brightness and hue) are numbers in [0, 1].
    size : pixels along each side, 16 to 64.
    seed : of everything drawn at random, 0 or more.
    index : (n,), which face each row is, 0 or more; default: 0, 1, 2 ... A face depends on its index, the seed and
        its own attributes only, so that rows can be picked, replaced or drawn in parts.

    Returns
    -------
    uint8 (n, size, size, 3), RGB.

    Raises
    ------
    InputError : an unknown attribute (near misses are named), columns of several lengths or none, a missing value, one
        that is not true or false, or not in [0, 1].
    UsageError : a size outside 16 to 64, a seed or an index below 0, an index of another length.

    Notes
    -----
    Cost: 0.25 ms a face of 32 pixels on one core, in proportion to the pixels. A small convolutional network reads
    each attribute with at least 98% accuracy at 16, 24 and 32 pixels (docs/faces.md).
    Left out: attributes that contradict others (Bald and Bangs, Black_Hair and Blond_Hair), that are matters of
    taste (Attractive), or that no one could see at 16 pixels (Narrow_Eyes).

    Examples
    --------
    >>> plain, smiling = render({"Smiling": [False, True]}, seed=1, index=[4, 4])
    >>> plain.shape, plain.dtype, bool((plain[:12] == smiling[:12]).all()), bool((plain == smiling).all())
    ((32, 32, 3), dtype('uint8'), True, False)
    """
    require_size(size)
    require_seed(seed)
    columns = columns_of(attributes, (*ATTRIBUTES, *COLOURS))
    places = as_index(index, columns)
    keys = face_keys(seed, places)
    marks = {name: as_marks(name, columns[name]) for name in ATTRIBUTES if name in columns}
    marks |= {name: np.zeros(len(keys), bool) for name in ATTRIBUTES if name not in columns}
    given = {name: as_shares(name, columns[name]) for name in COLOURS if name in columns}
    out = np.empty((len(keys), size, size, 3), np.uint8)
    for start in range(0, len(keys), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        traits = traits_of(keys[part]) | {name: values[part] for name, values in given.items()}
        out[part] = _drawn({name: mark[part] for name, mark in marks.items()}, traits, keys[part], size)
    return out


def _drawn(marks: Marks, traits: Traits, keys: Keys, size: int) -> Images:
    """Paint faces from the back to the front."""
    skin = REGIONS["skin"].paint(traits["skin_brightness"], traits["skin_hue"])
    ground = REGIONS["background"].paint(traits["background_brightness"], traits["background_hue"])
    hair = hair_colour(marks, traits)
    sheet = Sheet(len(keys))
    draw_behind(sheet, marks, traits, skin, hair)
    width = draw_head(sheet, traits, skin)
    draw_cheeks(sheet, marks, traits, width)
    draw_nose(sheet, traits, skin)
    draw_mouth(sheet, marks, traits, skin)
    draw_hair(sheet, marks, traits, hair, width)
    draw_eyes(sheet, marks, traits)
    draw_earrings(sheet, marks, width)
    draw_hat(sheet, marks, traits, width)
    return paint(sheet.shapes(), ground, pose_of(traits), keys, size)


def pose_of(traits: Traits) -> FloatArray:
    """Where the face is and how it is lit, (n, 8), in the order of ``raster.POSE``."""
    angle = 2 * np.pi * traits["light_angle"]
    slant = _SLANT * traits["light"]
    return np.stack(
        [
            _SHIFT * (traits["across"] - 0.5),
            _SHIFT * (traits["down"] - 0.5),
            _SCALES[0] + _SCALES[1] * traits["scale"],
            _TILT * (traits["tilt"] - 0.5),
            _EXPOSURE[0] + _EXPOSURE[1] * traits["exposure"],
            slant * np.cos(angle),
            slant * np.sin(angle),
            np.full(len(angle), _GRAIN),
        ],
        axis=1,
    )
