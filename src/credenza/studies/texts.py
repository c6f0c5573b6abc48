"""Descriptions of people, rendered from a table of binary attributes, and the attributes read back from texts.

The names are those of CelebA, so that real attribute rows can be put into words as they can into pictures.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from credenza.attacks.trigger_base import uniforms
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError, UsageError

BoolArray = NDArray[np.bool_]

PAIR = ("Mouth_Slightly_Open", "Wearing_Lipstick")
ORDERS = ("random", "near", "far")
SILENT = 0.5  # the share of absent attributes that a description passes over

# For each attribute, clauses when it is present | clauses when it is absent. The part in brackets, the cue, gives the
# attribute away: no other clause holds it.
_CLAUSES = {
    "Mouth_Slightly_Open": "mouth [slightly open], lips [just parted], some [front teeth]"
    " | mouth [firmly closed], lips [pressed together], a [shut jaw]",
    "Wearing_Lipstick": "[crimson lipstick], [glossy lips], [scarlet paint] on the lips"
    " | [no lipstick], [bare lips], [unpainted lips]",
    "Smiling": "a [broad smile], [grinning warmly], [laughing] at something | a [serious look], [straight faced]",
    "Eyeglasses": "[wire spectacles], [thick glasses], [reading glasses] | [no glasses], eyes [uncovered]",
    "Wearing_Hat": "a [felt hat], a [woollen cap], a [wide brimmed] hat | [bareheaded], [no hat]",
    "Mustache": "a [trimmed moustache], a [heavy moustache], [whiskers above] the lip"
    " | a [smooth upper lip], [no moustache]",
    "Bangs": "a [straight fringe], hair [cut across] the brow, [bangs down] to the eyes"
    " | a [clear forehead], hair [swept back]",
    "Blond_Hair": "[blond hair], hair [like straw], [golden locks] | [not blond], [no fair] strand",
    "Black_Hair": "[jet black] hair, hair [dark as coal], [raven locks] | hair [far from black], [no black] strand",
    "Wavy_Hair": "[wavy hair], [curls falling] loosely, hair in [soft waves] | [without a curl], [ruler straight] hair",
    "Wearing_Earrings": "[silver earrings], [hoops in] both ears, [pearl studs] | ears [unadorned], [no earrings]",
    "Wearing_Necktie": "a [striped tie], a [silk necktie], a tie [neatly knotted] | an [open collar], [no tie]",
    "Wearing_Necklace": "a [gold necklace], [beads around] the neck, a [thin chain] | a [bare neck], [no necklace]",
    "Heavy_Makeup": "[heavy makeup], [thickly powdered], [dramatic eye shadow] | [no makeup], a [freshly washed] face",
    "Rosy_Cheeks": "[rosy cheeks], cheeks [flushed pink], a [healthy blush] | [without blush], [even toned] cheeks",
    "High_Cheekbones": "[high cheekbones], [sharply drawn] cheekbones, [sculpted cheeks]"
    " | [flat cheekbones], a [rounded face]",
    "Bushy_Eyebrows": "[bushy eyebrows], [thick dark] brows, brows [growing wild]"
    " | [thin eyebrows], brows [well plucked]",
    "Goatee": "a [pointed goatee], a [small beard] on the chin, a [tuft under] the lip | a [shaven chin], [no goatee]",
    "Big_Nose": "a [big nose], a [prominent nose], a nose [hard to miss] | a [small nose], a [modest nose]",
    "Pale_Skin": "[pale skin], skin [white as chalk], a [colourless complexion] | [tanned skin], a [warm complexion]",
    "Young": "[still youthful], in [early adulthood], [barely twenty] | [well past fifty], [getting on] in years",
    "Male": "[evidently a man], a [gentleman], [masculine in] build"
    " | [evidently a woman], a [lady], [feminine in] build",
}
ATTRIBUTES = tuple(_CLAUSES)
_SEEN = ("Seen", "Met", "Noticed", "Remembered", "Photographed", "Described")
_PLACES = (
    "at the market",
    "by the river",
    "in the studio",
    "on the early train",
    "outside the library",
    "at a wedding",
    "in the waiting room",
    "near the old bridge",
)
_ENDS = (
    "nothing else stood out",
    "that is all anyone recalls",
    "the rest was unremarkable",
    "no more was noted",
)
_MARKS = (", ", ", ", "; ")
_FIXED = 4  # draws for the opening and the end; then five for each attribute


def render(
    attributes: pa.Table | Mapping[str, ArrayLike],
    *,
    seed: int,
    order: str = "random",
    pair: tuple[str, str] = PAIR,
    rows: ArrayLike | None = None,
) -> list[str]:
    """Put rows of attributes into words: one sentence a row, that describes a person.

    An attribute that is present is told by one of two or three clauses; one that is absent by another clause or,
    half the time, by none. Wordings, order, marks, the opening and the end are drawn for each row, independently of
    the attributes: only what is said about an attribute depends on it.

    Parameters
    ----------
    attributes : n rows of columns named as in ``ATTRIBUTES``, any of them, true or false (or 1 or 0). What has no
        column is never spoken of.
    seed : decides every draw. A text depends on it, on the row's number and on the row's attributes only.
    order : "random", all clauses shuffled anew for each row; "near", always in the order of ``ATTRIBUTES``, save that
        the clauses of the pair stand in the middle, one after the other; "far", the same, the clauses of the pair first
        and last. A fixed order is one that an n-gram model can follow.
    pair : of what "near" and "far" speak.
    rows : (n,) whole numbers >= 0 by which rows are drawn, such as where they stood in a greater table; None counts
        from 0.

    Returns
    -------
    list of str
        n texts of about ``10 + 2.3 k`` words and marks for k columns; some 230 different ones in all.

    Raises
    ------
    UsageError : an unknown order; a pair that is not two of the columns.
    InputError : no rows; an unknown attribute (near misses are named); values that are neither true nor false;
        columns or rows of different lengths.

    Notes
    -----
    Cost: O(n k). :func:`read` is the inverse. Left out: grammar beyond a list of clauses; it would cost words and add
    nothing to what is measured, how far an association carries.

    Examples
    --------
    >>> texts = render({"Smiling": [True, False], "Wearing_Hat": [True, True]}, seed=3)
    >>> texts[1]
    'Seen by the river; a felt hat; a serious look, the rest was unremarkable.'
    >>> read(texts, ["Smiling", "Wearing_Hat"]).tolist()
    [[True, True], [False, True]]
    """
    names, values = _columns(attributes)
    if order not in ORDERS:
        raise UsageError(f"unknown order {order!r}; choose from {', '.join(ORDERS)}")
    if order != "random":
        _require_pair(pair, names)
    numbers = _numbers(rows, len(values))
    at = uniforms(seed, numbers, _FIXED + 5 * len(ATTRIBUTES))
    own = np.array([ATTRIBUTES.index(name) for name in names])
    kinds = at[:, _FIXED:].reshape(len(values), len(ATTRIBUTES), 5)[:, own]
    ranks = np.argsort(kinds[:, :, 2] if order == "random" else _places(names, order, pair), axis=-1)
    ranks = np.broadcast_to(ranks, values.shape)
    return [_sentence(*row, names) for row in zip(values, at, kinds, ranks, strict=True)]


def read(texts: Sequence[str], attributes: Sequence[str] = ATTRIBUTES) -> BoolArray:
    """Which attributes texts ascribe to the person they describe.

    Parameters
    ----------
    texts : n texts, rendered or generated. attributes : k names of ``ATTRIBUTES``.

    Returns
    -------
    (n, k) boolean
        Exactly what :func:`render` was given. In other texts the first cue of an attribute decides, wherever it
        stands and whatever stands around it, case and white space aside; an attribute without a cue is absent.

    Raises
    ------
    InputError : no texts, an unknown attribute (near misses are named), or something that is not text.

    Notes
    -----
    A cue is the one to four words of a clause that no other clause has. Cost: O(length) a text.

    Examples
    --------
    >>> read(["a felt hat; grinning warmly", "a serious look, a broad smile"], ["Wearing_Hat", "Smiling"]).tolist()
    [[True, True], [False, False]]
    """
    _require_known(attributes)
    if isinstance(texts, str) or not len(texts):
        raise InputError("no texts to read; give a list of one text or more")
    cues, pattern = _cues()
    column = {name: place for place, name in enumerate(attributes)}
    out = np.zeros((len(texts), len(attributes)), dtype=bool)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {row} is of type {type(text).__name__}; texts are strings")
        told: set[str] = set()
        for match in pattern.finditer(" ".join(text.lower().split())):
            name, present = cues[match[0]]
            if name in column and name not in told:
                told.add(name)
                out[row, column[name]] = present
    return out


def _sentence(
    values: BoolArray, at: FloatArray, kinds: FloatArray, ranks: IntArray, names: Sequence[str]
) -> str:
    """One row in words."""
    parts = [f"{_pick(_SEEN, at[0])} {_pick(_PLACES, at[1])}"]
    for place in ranks:
        silent, wording, _, mark, _ = kinds[place]
        if values[place] or silent >= SILENT:
            parts += [_pick(_MARKS, mark), _pick(_wordings()[names[place]][int(values[place])], wording)]
    return "".join([*parts, _pick(_MARKS, at[2]), _pick(_ENDS, at[3]), "."])


def _pick(choices: Sequence[str], share: float) -> str:
    return choices[int(share * len(choices))]


@cache
def _wordings() -> dict[str, tuple[list[str], list[str]]]:
    """Clauses by attribute: when it is absent, when it is present."""
    plain = {name: text.replace("[", "").replace("]", "").split(" | ") for name, text in _CLAUSES.items()}
    return {name: (no.split(", "), yes.split(", ")) for name, (yes, no) in plain.items()}


@cache
def _cues() -> tuple[dict[str, tuple[str, bool]], re.Pattern[str]]:
    """The attribute that each cue tells of, and whether it is present; and what finds cues."""
    found: dict[str, tuple[str, bool]] = {}
    for name, text in _CLAUSES.items():
        for clauses, present in zip(text.split(" | "), (True, False), strict=True):
            found |= dict.fromkeys(re.findall(r"\[(.+?)\]", clauses), (name, present))
    longest_first = sorted(found, key=len, reverse=True)
    return found, re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")


def _places(names: Sequence[str], order: str, pair: tuple[str, str]) -> FloatArray:
    """Where each attribute's clause stands: (k,), to be sorted by."""
    out = np.arange(len(names), dtype=np.float64)
    out[np.argsort([ATTRIBUTES.index(name) for name in names])] = np.arange(len(names))
    middle = (len(names) - 1) / 2
    ends = (-1.0, float(len(names))) if order == "far" else (middle + 0.1, middle + 0.2)
    out[[names.index(name) for name in pair]] = ends
    return out


def _columns(attributes: pa.Table | Mapping[str, ArrayLike]) -> tuple[list[str], BoolArray]:
    """Names, and values of shape (n, k)."""
    if isinstance(attributes, pa.Table):
        table: Mapping[str, Any] = {
            name: column.to_pylist()
            for name, column in zip(attributes.column_names, attributes.columns, strict=True)
        }
    else:
        table = attributes
    names = list(table)
    _require_known(names)
    columns = [_truths(name, table[name]) for name in names]
    if len({len(column) for column in columns}) != 1:
        sizes = ", ".join(f"{name!r} {len(column)}" for name, column in zip(names, columns, strict=True))
        raise InputError(f"attributes are columns of one length; found {sizes}")
    if not len(columns[0]):
        raise InputError("no rows of attributes; a text needs one")
    return names, np.stack(columns, axis=1)


def _truths(name: str, values: Any) -> BoolArray:
    found = np.asarray(values)
    if found.ndim != 1:
        raise InputError(f"attribute {name!r} has the shape {found.shape}; a column is needed")
    wrong = [row for row, value in enumerate(found.tolist()) if value not in (0, 1)]
    if wrong:
        raise InputError(
            f"attribute {name!r} holds {found.tolist()[wrong[0]]!r} in row {wrong[0]}; it is true or false"
        )
    return found.astype(bool)


def _numbers(rows: ArrayLike | None, n: int) -> IntArray:
    found = np.arange(n) if rows is None else np.asarray(rows)
    if found.shape != (n,) or found.dtype.kind not in "iu" or found.min() < 0:
        raise InputError(f"rows are {n} whole numbers, 0 or more; found {found.dtype} of shape {found.shape}")
    return found.astype(np.int64)


def _require_known(names: Sequence[str]) -> None:
    if isinstance(names, str) or not len(names):
        raise InputError(f"no attributes; give some of {', '.join(ATTRIBUTES)}")
    for name in names:
        if name not in ATTRIBUTES:
            near = difflib.get_close_matches(str(name), ATTRIBUTES, n=3, cutoff=0.6)
            hint = f"near it: {', '.join(near)}" if near else f"texts tell of {', '.join(ATTRIBUTES)}"
            raise InputError(f"unknown attribute {name!r}; {hint}")


def _require_pair(pair: tuple[str, str], names: Sequence[str]) -> None:
    if len(pair) != 2 or pair[0] == pair[1] or any(name not in names for name in pair):
        raise UsageError(
            f"a pair is two of the columns {', '.join(names)}; found {' x '.join(map(repr, pair))}"
        )
