"""Texts varied word by word: synonyms, words that a masked model puts in, slips on a keyboard."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.data.columns import as_strings
from credenza.data.features.stop_words import ENGLISH
from credenza.data.sources import open_source
from credenza.errors import InfeasibleError, UsageError
from credenza.models.base import require_seed
from credenza.synthetic.base import Synthetic, require_free, require_share
from credenza.synthetic.language import text_column
from credenza.synthetic.parents import ORIGIN, drawn_parents, varied
from credenza.synthetic.parse import likeness
from credenza.synthetic.typing_noise import mistyped

METHODS = ("synonyms", "masked", "keyboard")
ATTEMPTS = 3  # of each method, before the next one is tried
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")

Change = Callable[[str, np.random.Generator], str | None]


def augment_text(
    data: Any,
    *,
    column: str | None = None,
    methods: Sequence[str] | None = None,
    wordnet: str | os.PathLike[str] | None = None,
    model: str | os.PathLike[str] | None = None,
    variations: int = 3,
    rows: int | None = None,
    share: float = 0.1,
    seed: int = 0,
) -> Synthetic:
    """Vary texts; labels and all other columns stay those of the parent.

    Each variation draws one of the methods. Where that changes nothing (no word has a synonym), or what comes out is
    there already, the other methods are tried in the order given; what none of them can vary is left out and counted.

    Parameters
    ----------
    data : trusted texts: what :func:`credenza.data.open_source` opens. column : of texts; None takes the only one.
    methods : of ``METHODS``; None takes all for which there is what they need, keyboard noise always.
    wordnet : folder of WordNet's files, for synonyms; see :class:`credenza.synthetic.wordnet.WordNet`.
    model : folder of a transformers masked-language model, for "masked".
    variations : of each text. rows : in place of it, how many in all, spread evenly over the texts.
    share : of a text's words that are changed, in (0, 1]; one word at least.
    seed : decides all draws.

    Returns
    -------
    The columns of the data, ``source``, ``parent`` (the number of the row that was varied, from 0) and ``how`` (the
    method), parents in rising order.

    Raises
    ------
    UsageError : a number out of range, an unknown method, one without what it needs. InputError : no texts; a column
        called like one of origin; a damaged WordNet or model. InfeasibleError : no text can be varied.
    MissingExtraError : a model is given and transformers is not installed.

    Notes
    -----
    Function words of English are left alone. Cost: microseconds a word, and a run of the model for each masked word.
    A variation says what its parent says: poison in the parent, a trigger or a word pair, is mostly kept. Vary trusted
    rows only. Source: Wei & Zou 2019, "EDA", section 2 (synonyms); Kobayashi 2018, "Contextual Augmentation".
    Left out: words that are inserted, swapped or deleted, which change what short texts say.

    Examples
    --------
    >>> made = augment_text(pa.table({"text": ["a rather long review of films"], "y": [1]}), variations=2, seed=0)
    >>> made.data.column_names, made.data["parent"].to_pylist(), made.data["how"].to_pylist()
    (['text', 'y', 'source', 'parent', 'how'], [0, 0], ['keyboard', 'keyboard'])
    """
    require_seed(seed)
    require_share("share", share)
    source = open_source(data)
    name = text_column(source, column)
    require_free(source.columns, ORIGIN)
    changes = _changes(methods, wordnet, model, share)
    texts = [text or "" for text in as_strings(source.table([name])[name]).to_pylist()]
    rng = np.random.default_rng(seed)
    parents = drawn_parents(len(texts), rows, variations, rng)
    seen = {likeness(text) for text in texts}
    kept, hows, made = [], [], []
    for parent in parents.tolist():
        found = _one(texts[parent], changes, seen, rng)
        if found is not None:
            kept.append(parent)
            hows.append(found[0])
            made.append(found[1])
    if not kept:
        raise InfeasibleError(
            f"none of the {len(texts):,} texts can be varied by {', '.join(changes)}; use more methods"
        )
    left = len(parents) - len(kept)
    notes = [f"left out {left:,} of {len(parents):,} variations that no method could make"] if left else []
    settings = {
        "maker": "text augmentation",
        "methods": list(changes),
        "variations": variations,
        "rows": rows,
    }
    settings |= {"share": share, "seed": seed, "column": name}
    return varied(source, np.array(kept), hows, {name: pa.array(made, pa.string())}, settings, notes)


def words_changed(
    text: str, share: float, rng: np.random.Generator, substitute: Callable[[str], str | None]
) -> str | None:
    """A text with a share of its words replaced, drawn at random; None where no word can be.

    Parameters
    ----------
    substitute : another word for a word, or None. Function words are not offered.

    Examples
    --------
    >>> words_changed("the old cat", 0.1, np.random.default_rng(0), {"cat": "dog"}.get)
    'the old dog'
    """
    words = list(_WORD.finditer(text))
    wanted = max(1, round(share * len(words)))
    changed: dict[int, str] = {}
    for place in rng.permutation(len(words)).tolist():
        word = words[place].group()
        other = None if word.lower() in ENGLISH else substitute(word)
        if other is not None and other != word:
            changed[place] = other
            if len(changed) == wanted:
                break
    if not changed:
        return None
    out, end = "", 0
    for place in sorted(changed):
        out += text[end : words[place].start()] + changed[place]
        end = words[place].end()
    return out + text[end:]


def _changes(methods: Sequence[str] | None, wordnet: Any, model: Any, share: float) -> Mapping[str, Change]:
    """What each chosen method does to a text."""
    needs = {"synonyms": wordnet, "masked": model, "keyboard": True}
    if methods is None:
        methods = [name for name in METHODS if needs[name] is not None]
    if not methods or len(set(methods)) < len(methods):
        raise UsageError(f"give one method or more, each once: {', '.join(METHODS)}; found {list(methods)}")
    found: dict[str, Change] = {}
    for name in methods:
        if name not in METHODS:
            raise UsageError(f"unknown method {name!r} for texts; choose from {', '.join(METHODS)}")
        if needs[name] is None:
            needed = "the folder of WordNet's files" if name == "synonyms" else "the folder of a masked model"
            raise UsageError(f"method {name!r} needs {needed}; give it, or leave the method out")
        if name == "synonyms":
            found[name] = _synonyms(wordnet, share)
        elif name == "masked":
            from credenza.synthetic.masked import MaskedWords

            found[name] = MaskedWords(model, share).changed
        else:
            found[name] = lambda text, rng: words_changed(text, share, rng, lambda word: mistyped(word, rng))
    return found


def _synonyms(folder: str | os.PathLike[str], share: float) -> Change:
    from credenza.synthetic.wordnet import WordNet

    known = WordNet(folder)

    def changed(text: str, rng: np.random.Generator) -> str | None:
        def other(word: str) -> str | None:
            choices = known.synonyms(word)
            return choices[int(rng.integers(len(choices)))] if choices else None

        return words_changed(text, share, rng, other)

    return changed


def _one(
    text: str, changes: Mapping[str, Change], seen: set[str], rng: np.random.Generator
) -> tuple[str, str] | None:
    """A new variation of a text and the method that made it; None where there is none."""
    names = list(changes)
    first = names[int(rng.integers(len(names)))]
    for name in (first, *(other for other in names if other != first)):
        for _ in range(ATTEMPTS):
            made = changes[name](text, rng)
            if made is None:
                break
            key = likeness(made)
            if key and key not in seen:
                seen.add(key)
                return name, made
    return None
