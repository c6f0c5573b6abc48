"""The features of a face: eyes, brows, glasses, nose, cheeks, mouth, beard."""

from __future__ import annotations

import numpy as np

from credenza.contracts import FloatArray
from credenza.studies.faces.chance import Traits
from credenza.studies.faces.head import Marks, choose, mix
from credenza.studies.faces.raster import Sheet

EYES, NOSE, MOUSTACHE, MOUTH, BEARD = -0.19, 0.15, 0.215, 0.37, 0.56
BLUSH = np.array([0.95, 0.25, 0.35])
INSIDE = np.array([0.16, 0.02, 0.04])


def beard_colour(traits: Traits) -> FloatArray:
    """Of moustache, goatee, sideburns and brows: nearly black, whatever the hair."""
    return mix(np.array([0.07, 0.05, 0.05]), np.array([0.20, 0.10, 0.06]), traits["beard_shade"])


def draw_cheeks(sheet: Sheet, marks: Marks, traits: Traits, width: FloatArray) -> None:
    """Blush, and sideburns down to the jaw."""
    for side in (-1, 1):
        sheet.add(BLUSH, side * 0.31, 0.10, 0.115, 0.095, where=marks["Rosy_Cheeks"], alpha=0.75)
        sheet.add(
            beard_colour(traits), side * (width - 0.035), 0.15, 0.065, 0.26, where=marks["Sideburns"], power=2
        )


def draw_eyes(sheet: Sheet, marks: Marks, traits: Traits) -> None:
    """Eyes, brows, and glasses over both."""
    gap = 0.24 + 0.02 * traits["eye_gap"]
    large = 0.9 + 0.2 * traits["eye_size"]
    gaze = 0.05 * (traits["gaze"] - 0.5)
    iris = choose(np.array([[0.20, 0.10, 0.05], [0.10, 0.22, 0.40], [0.12, 0.28, 0.16]]), traits["iris"])
    dark = beard_colour(traits)
    lift = 0.02 * traits["brow_height"]
    bushy = marks["Bushy_Eyebrows"]
    thick = np.where(bushy, 0.062, 0.018)
    for side in (-1, 1):
        sheet.add(np.array([0.98, 0.98, 0.98]), side * gap, EYES, 0.095 * large, 0.062 * large)
        sheet.add(iris, side * gap + gaze, EYES, 0.048 * large, 0.056 * large)
        sheet.add(
            dark, side * gap, EYES - 0.155 - lift, np.where(bushy, 0.155, 0.115), thick, power=2, bend=0.9
        )
    frame = np.array([0.04, 0.04, 0.07])
    worn = marks["Eyeglasses"]
    for side in (-1, 1):
        sheet.add(np.array([0.80, 0.92, 1.0]), side * gap, EYES, 0.16, 0.12, where=worn, power=2, alpha=0.35)
        sheet.add(frame, side * gap, EYES + 0.005, 0.195, 0.135, where=worn, power=2, hole=0.70)
        sheet.add(frame, side * 0.47, EYES - 0.02, 0.08, 0.022, where=worn, power=2)
    sheet.add(frame, 0, EYES - 0.01, 0.08, 0.022, where=worn, power=2)


def draw_nose(sheet: Sheet, traits: Traits, skin: FloatArray) -> None:
    """A shadow below the tip; the bridge stays plain skin, for the reader of colours."""
    length = 0.02 * traits["nose_length"]
    sheet.add(skin * 0.72, 0, NOSE + length, 0.085, 0.016, bend=-1.0)


def draw_mouth(sheet: Sheet, marks: Marks, traits: Traits, skin: FloatArray) -> None:
    """Lips, painted or not, closed or open, corners up or level; the moustache above and the goatee below."""
    smiling, opened, painted = (
        marks[name] for name in ("Smiling", "Mouth_Slightly_Open", "Wearing_Lipstick")
    )
    wide = 0.20 + 0.02 * traits["mouth_width"] + np.where(smiling, 0.03, 0)
    bend = np.where(smiling, -2.2, 0.6)
    cy = MOUTH + np.where(smiling, 0.03, -0.02)
    gap = np.where(opened, 0.07 + 0.015 * traits["mouth_gap"], 0)
    bare = skin * np.array([0.78, 0.62, 0.62])
    red = mix(np.array([0.80, 0.02, 0.12]), np.array([0.86, 0.03, 0.36]), traits["lipstick"])
    lips = np.where(painted[:, None], red, bare)
    sheet.add(lips, 0, cy, wide, 0.065 + gap, bend=bend)
    sheet.add(INSIDE, 0, cy, wide * 0.80, gap, where=opened, bend=bend)
    sheet.add(lips * 0.45, 0, cy, wide * 0.95, 0.013, where=~opened, bend=bend)
    dark = beard_colour(traits)
    sheet.add(dark, 0, MOUSTACHE, 0.21, 0.045, where=marks["Mustache"], power=2, bend=0.7)
    sheet.add(dark, 0, BEARD, 0.15, 0.085, where=marks["Goatee"], power=2)
