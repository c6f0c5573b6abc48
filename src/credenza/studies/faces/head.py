"""Everything around the features of a face: hair, neck, clothes, head, hat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray
from credenza.studies.faces.chance import Traits
from credenza.studies.faces.raster import Sheet

Marks = Mapping[str, NDArray[np.bool_]]

TOP, CHIN = -0.80, 0.60
NECKLACE = np.array([0.00, 0.62, 0.66])
RUBY = np.array([0.92, 0.05, 0.12])


def mix(a: FloatArray, b: FloatArray, share: FloatArray) -> FloatArray:
    """Colours (n, 3) between two."""
    return np.asarray(a + (b - a) * share[:, None])


def choose(colours: FloatArray, share: FloatArray) -> FloatArray:
    """One of several colours (k, 3) a face, by a uniform number."""
    return np.asarray(colours[(share * len(colours)).astype(np.int64)])


def hair_colour(marks: Marks, traits: Traits) -> FloatArray:
    """Golden where blond, else between black and chestnut."""
    blond = mix(np.array([0.93, 0.74, 0.22]), np.array([1.0, 0.86, 0.40]), traits["hair_shade"])
    dark = mix(np.array([0.05, 0.04, 0.05]), np.array([0.34, 0.17, 0.07]), traits["hair_shade"])
    return np.where(marks["Blond_Hair"][:, None], blond, dark)


def draw_behind(sheet: Sheet, marks: Marks, traits: Traits, skin: FloatArray, hair: FloatArray) -> None:
    """Hair at the back, neck, shirt, tie, necklace."""
    width = 0.62 + 0.05 * traits["hair_width"]
    length = np.where(traits["hair_length"] < 0.5, 0.02, 0.35 + 0.45 * traits["hair_length"])
    sheet.add(hair * 0.92, 0, length / 2 - 0.25, width, 0.25 + length / 2, power=2)
    shirt = choose(
        np.array(
            [
                [0.97, 0.97, 0.99],
                [0.80, 0.86, 0.96],
                [0.96, 0.88, 0.80],
                [0.84, 0.93, 0.84],
                [0.90, 0.84, 0.94],
            ]
        ),
        traits["shirt"],
    )
    shirt = shirt * (0.9 + 0.1 * traits["shirt_shade"])[:, None]
    sheet.add(shirt, 0, 1.35, 0.95, 0.60, power=2)
    sheet.add(skin * 0.80, 0, 0.55, 0.24, 0.27, power=2)
    tie = choose(
        np.array([[0.10, 0.12, 0.42], [0.42, 0.05, 0.10], [0.05, 0.28, 0.16], [0.22, 0.08, 0.34]]),
        traits["tie"],
    )
    worn = marks["Wearing_Necktie"]
    sheet.add(tie, 0, 1.02, 0.13, 0.20, where=worn, power=3, taper=0.35)
    sheet.add(tie * 0.75, 0, 0.82, 0.10, 0.05, where=worn, power=2)
    worn = marks["Wearing_Necklace"]
    sheet.add(NECKLACE, 0, 0.755, 0.30, 0.045, where=worn, bend=-1.1)


def draw_head(sheet: Sheet, traits: Traits, skin: FloatArray) -> FloatArray:
    """Ears and face; return its half width, (n,)."""
    width = 0.50 + 0.05 * traits["face_width"]
    for side in (-1, 1):
        sheet.add(skin * 0.92, side * (width + 0.03), -0.06, 0.075, 0.13)
    tall = (CHIN - TOP) / 2 + 0.03 * (traits["face_height"] - 0.5)
    sheet.add(skin, 0, (TOP + CHIN) / 2, width, tall)
    sheet.add(skin, 0, (TOP + CHIN) / 2 + 0.01, width * 0.94, tall * 0.93, power=2, taper=-0.10)
    return np.asarray(width)


def draw_hair(sheet: Sheet, marks: Marks, traits: Traits, hair: FloatArray, width: FloatArray) -> None:
    """Hair at the top, parted somewhere, and the fringe."""
    side = 0.5 * (traits["parting"] - 0.5)
    sheet.add(hair, 0, -0.30, width + 0.09, 0.60, top=-0.90, bottom=-0.63)
    sheet.add(hair, 0, -0.60, width + 0.07, 0.31, bottom=-0.62)
    for end in (-1, 1):
        sheet.add(hair, end * (width - 0.01), -0.45, 0.10, 0.25)
    sheet.add(hair, side, -0.66, width * 0.75, 0.07, bend=0.35)
    sheet.add(hair * 0.94, 0, -0.58, width, 0.15, where=marks["Bangs"], power=3, bend=0.1)


def draw_hat(sheet: Sheet, marks: Marks, traits: Traits, width: FloatArray) -> None:
    """A hat with a band and a brim, which leaves the fringe free."""
    worn = marks["Wearing_Hat"]
    felt = choose(
        np.array([[0.62, 0.10, 0.10], [0.78, 0.38, 0.08], [0.50, 0.12, 0.36], [0.86, 0.14, 0.24]]),
        traits["hat"],
    )
    tall = 0.24 + 0.05 * traits["hat_height"]
    sheet.add(felt, 0, -0.70 - tall / 2, width + 0.02, tall, where=worn, power=2, bottom=-0.62)
    sheet.add(np.array([0.95, 0.92, 0.84]), 0, -0.715, width + 0.02, 0.04, where=worn, power=3)
    sheet.add(felt * 0.75, 0, -0.645, width + 0.16, 0.045, where=worn, power=2, bend=0.08)


def draw_earrings(sheet: Sheet, marks: Marks, width: FloatArray) -> None:
    """A red drop below each ear."""
    for side in (-1, 1):
        sheet.add(RUBY, side * (width + 0.06), 0.15, 0.075, 0.10, where=marks["Wearing_Earrings"])
