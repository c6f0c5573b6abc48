"""Texts by category: from word n-grams of trusted texts, with no other model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.data.columns import as_strings
from credenza.data.features.contents import find_contents
from credenza.data.sources import Source, open_source
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.models.base import require_seed
from credenza.synthetic.base import MODEL, SOURCE, Synthetic, require_count, require_names
from credenza.synthetic.draw import shared_out
from credenza.synthetic.parse import distinct, likeness

MADE_BY = "synthetic_generative"
PATIENCE = 5  # calls in a row that bring nothing new before a category is given up
_AT_ONCE = 2_000  # texts that are drawn at a time

Make = Callable[[int, int], Sequence[str]]  # how many are missing, seed -> texts, of which some may be known


def markov_texts(
    reference: Any,
    rows: int,
    *,
    column: str | None = None,
    labels: str | None = None,
    order: int = 3,
    max_words: int | None = None,
    seed: int = 0,
) -> Synthetic:
    """Make texts from word n-grams of trusted texts, one model for each label.

    Each word is drawn given the ``order - 1`` words before it (see :class:`credenza.models.text.NGram`). Labels keep
    their shares of the reference, by largest remainders. Nothing is made twice, and no text of the reference is
    repeated, whatever its case and white space.

    Parameters
    ----------
    reference : trusted texts: what :func:`credenza.data.open_source` opens.
    rows : how many, 1 or more.
    column : of texts; None takes the only one. labels : the column of labels; None makes rows without.
    order : words in an n-gram, 1 to 12: the higher, the more each text follows one text of the reference; with 2 or 3
        texts read like their category and not like anyone's. max_words : none gets longer.
    seed : decides all draws.

    Returns
    -------
    The text column and the labels, called as in the reference, ``source`` and ``generator_model``; in random order.

    Raises
    ------
    UsageError : a number out of range, or no such column. InputError : no texts, or a label column that holds no
        labels. InfeasibleError : the model of a label makes too few different texts.

    Notes
    -----
    Rows without a text or a label are left out and counted. Cost: O(N log N) for N words of the reference.
    The model is only as clean as the reference: word pairs that are poisoned there are poisoned here. An n-gram keeps
    no association between words that are further apart than ``order``, so such texts dilute, and do not stand in for
    documents. Left out: temperature, which would move the frequencies of words away from the reference's.

    Examples
    --------
    >>> table = pa.table({"text": ["the cat sat on a mat", "the cat ran to a mat", "the dog sat on a rug",
    ...                            "a dog ran to the mat"], "label": ["x", "x", "x", "x"]})
    >>> made = markov_texts(table, 3, labels="label", order=2, seed=1)
    >>> made.rows, made.data.column_names
    (3, ['text', 'label', 'source', 'generator_model'])
    """
    from credenza.models.text import NGram

    require_count("rows", rows)
    require_seed(seed)
    NGram(order=order, max_words=max_words)
    source = open_source(reference, role="reference")
    name = text_column(source, column)
    require_names(name, *([] if labels is None else [labels]))
    texts, known, notes = _read(source, name, labels)
    groups: dict[Any, list[str]] = {}
    for text, label in zip(texts, known, strict=True):
        groups.setdefault(label, []).append(text)
    sizes = [len(group) for group in groups.values()]
    counts = shared_out(sizes, [rows] * len(sizes), rows)
    made: list[tuple[str, Any]] = []
    seen = {likeness(text) for text in texts}
    for place, ((label, group), count) in enumerate(zip(groups.items(), counts, strict=True)):
        if count:
            model = NGram(order=order, max_words=max_words).fit(group, seed=0)
            what = "the reference" if labels is None else f"label {label!r}"
            hint = "lower the order, or give more trusted texts"
            found = collect(lambda n, s, m=model: m.sample(n, seed=s), count, seen, (seed, place), what, hint)  # type: ignore[misc]
            made += [(text, label) for text in found]
    settings = {"maker": "markov", "rows": rows, "order": order, "max_words": max_words, "seed": seed}
    settings |= {"column": name, "labels": labels, "reference_sha256": source.fingerprint()}
    kind = None if labels is None else source.schema.field(labels).type
    return labelled(made, name, labels, kind, f"markov-{order}", settings, notes)


def collect(make: Make, count: int, seen: set[str], path: Sequence[int], what: str, hint: str) -> list[str]:
    """Call ``make`` until it has made ``count`` texts that are not in ``seen``, to which they are added.

    Raises
    ------
    InfeasibleError : ``PATIENCE`` calls in a row brought nothing new.
    """
    found: list[str] = []
    idle = call = 0
    while len(found) < count:
        seed = int(np.random.SeedSequence([*path, call]).generate_state(1)[0])
        texts = make(min(count - len(found), _AT_ONCE), seed)
        new = distinct((text for text in texts if text.strip()), seen)[: count - len(found)]
        found += new
        idle, call = (0 if new else idle + 1), call + 1
        if idle == PATIENCE:
            raise InfeasibleError(
                f"{count:,} different texts were asked for and {what} gave {len(found):,}; ask for fewer, or {hint}"
            )
    return found


def labelled(
    made: Sequence[tuple[str, Any]],
    column: str,
    labels: str | None,
    kind: pa.DataType | None,
    model: str,
    settings: dict[str, Any],
    notes: tuple[str, ...] = (),
) -> Synthetic:
    """Texts and labels as rows, shuffled by the seed of the settings."""
    order = np.random.default_rng([settings["seed"], len(made)]).permutation(len(made))
    columns: dict[str, Any] = {column: pa.array([made[place][0] for place in order], pa.string())}
    if labels is not None:
        columns[labels] = pa.array([made[place][1] for place in order], kind)
    columns[SOURCE] = pa.array([MADE_BY] * len(made), pa.string())
    columns[MODEL] = pa.array([model] * len(made), pa.string())
    return Synthetic(pa.table(columns), settings, notes)


def text_column(source: Source, column: str | None) -> str:
    """The column of texts.

    Raises
    ------
    UsageError : no such column, or no or several candidates. InputError : it holds no texts.
    """
    name, kind = find_contents(source, column)
    if kind != "text":
        raise InputError(f"{source.name} is of {kind} in {name!r}; give a column of texts")
    return name


def _read(source: Source, column: str, labels: str | None) -> tuple[list[str], list[Any], tuple[str, ...]]:
    """Texts and labels, less rows without one of them, and a note that counts these."""
    if labels is not None and labels == column:
        raise UsageError(f"the labels cannot be the texts: both are {labels!r}; name another column")
    table = source.table([column] if labels is None else [column, labels])
    texts = as_strings(table[column]).to_pylist()
    known = [""] * len(texts) if labels is None else table[labels].to_pylist()
    kept = [
        (text, label)
        for text, label in zip(texts, known, strict=True)
        if text is not None and text.strip() and label is not None
    ]
    if not kept:
        raise InputError(f"{source.name} has no rows with a text and a label; give trusted texts")
    left = len(texts) - len(kept)
    notes = (f"left out {left:,} rows of the reference without a text or a label",) if left else ()
    return [text for text, _ in kept], [label for _, label in kept], notes
