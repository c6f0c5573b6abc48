"""Which columns carry a trigger, and which rows have something there to put it on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from credenza.attacks.columns import BoolArray, require_columns
from credenza.attacks.other_triggers import Value
from credenza.attacks.trigger_base import Trigger
from credenza.data.columns import Family, family
from credenza.data.media_bytes import is_file_column
from credenza.data.sources import Source
from credenza.errors import InputError, UsageError

FOLDERS = ("images", "sounds")  # kinds of sources whose files are the items
ITEMS = {
    "image": "images (files as bytes)",
    "sound": "recordings (files as bytes)",
    "text": "text",
}


def carriers(
    trigger: Trigger, source: Source, *, column: str | None, taken: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Names of the columns that get a trigger.

    Parameters
    ----------
    column : the one column that is meant; None finds it if only one is of the right kind. A value trigger
        names its columns itself.
    taken : columns that the trigger must leave alone: the labels, and what rows are chosen by.

    Raises
    ------
    InputError : a column does not exist or is of another kind, or no column fits. UsageError : several fit,
        a column is taken, or ``column`` was given with a value trigger.

    Examples
    --------
    >>> from credenza.attacks.text_triggers import Token
    >>> from credenza.data import open_source
    >>> reviews = open_source(pa.table({"review": ["good"], "stars": [5], "label": ["pos"]}))
    >>> carriers(Token("cf"), reviews, column=None, taken=("label",))
    ('review',)
    """
    if isinstance(trigger, Value):
        if column is not None:
            raise UsageError(
                f"a value trigger names its columns itself; found column={column!r}; leave it out"
            )
        names = tuple(trigger.values)
    else:
        names = (_only(trigger, source, taken) if column is None else column,)
    require_columns(names, source.columns)
    for name in names:
        if name in taken:
            raise UsageError(
                f"the {trigger.name} trigger cannot go on {name!r}, which names labels or slices"
            )
        kind = source.schema.field(name).type
        if isinstance(trigger, Value):
            trigger.convert(name, kind)
        elif not _fits(trigger.modality, kind):
            wanted = ITEMS[trigger.modality]
            raise InputError(f"column {name!r} holds {kind}; a {trigger.name} goes on a column of {wanted}")
    return names


def present(trigger: Trigger, source: Source, columns: tuple[str, ...]) -> BoolArray:
    """Rows that have something to put the trigger on, shape (n,).

    An image, a text or a recording may be missing; a value can be set where there was none. Cost: one pass
    over ``columns``, none for values and folders of files.

    >>> from credenza.attacks.text_triggers import Token
    >>> from credenza.data import open_source
    >>> present(Token("cf"), open_source(pa.table({"text": ["a", None]})), ("text",)).tolist()
    [True, False]
    """
    if source.kind in FOLDERS or isinstance(trigger, Value):
        return np.ones(source.rows, dtype=bool)
    parts = [
        np.logical_and.reduce([column.is_valid().to_numpy(zero_copy_only=False) for column in batch.columns])
        for batch in source.batches(columns)
    ]
    return np.concatenate(parts)


def _only(trigger: Trigger, source: Source, taken: tuple[str, ...]) -> str:
    """The one column of the trigger's kind."""
    paths = ("file",) if source.kind in FOLDERS else ()
    fits = [
        field.name
        for field in source.schema
        if field.name not in (*taken, *paths) and _fits(trigger.modality, field.type)
    ]
    if len(fits) == 1:
        return str(fits[0])
    wanted = ITEMS[trigger.modality]
    if not fits:
        shown = ", ".join(f"{field.name!r} ({field.type})" for field in list(source.schema)[:6])
        raise InputError(f"a {trigger.name} needs a column of {wanted} and there is none; there are {shown}")
    shown = ", ".join(map(repr, fits[:8]))
    raise UsageError(f"{len(fits)} columns hold {wanted}: {shown}; name one with column=...")


def _fits(modality: str, kind: pa.DataType) -> bool:
    if modality == "text":
        return family(kind) is Family.STRING
    return is_file_column(kind)
