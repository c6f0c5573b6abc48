"""Texts from a model that was saved by this package: word n-grams, or a small transformer."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from credenza.errors import UsageError
from credenza.models.base import require_seed
from credenza.models.text.saved import load_text_model
from credenza.synthetic.base import Synthetic, require_count, require_names
from credenza.synthetic.language import collect, labelled
from credenza.synthetic.language_model import weights_digest

__all__ = ["saved_texts"]


def saved_texts(
    folder: str | os.PathLike[str],
    rows: int,
    *,
    category: str | None = None,
    temperature: float | None = None,
    column: str = "text",
    labels: str = "label",
    seed: int = 0,
) -> Synthetic:
    """Make texts with a model of texts that was fitted and saved here.

    Parameters
    ----------
    folder : of a :class:`credenza.models.text.NGram` or :class:`credenza.models.text.TextTransformer`.
    rows : how many, none of which comes twice (but for case and white space).
    category : what all of them are labelled; None makes no labels. Such a model knows no categories: fit one for each.
    temperature : above 0, for a transformer; 1 without it, which keeps the frequencies of words.
    column, labels : what the columns are called. seed : decides all draws.

    Returns
    -------
    Columns ``column``, ``labels`` (with a category), ``source`` and ``generator_model`` (the folder's name).

    Raises
    ------
    UsageError : a number or a name that cannot be; a temperature for n-grams. InputError : no such model in the folder,
        or a damaged one. InfeasibleError : the model makes too few different texts.
    MissingExtraError : safetensors, or torch for a transformer, is not installed.

    Notes
    -----
    The model is as clean as what it was fitted to, which is not kept with it: texts of that may be repeated, and CZ602
    of ``credenza validate`` says whether they are. Cost: that of the model's draws.

    Examples
    --------
    >>> import tempfile
    >>> from credenza.models.text import NGram
    >>> with tempfile.TemporaryDirectory() as name:
    ...     NGram(order=2).fit(["the cat sat.", "the dog sat.", "the cat ran."]).save(Path(name, "pets"))
    ...     made = saved_texts(Path(name, "pets"), 2, category="pet", seed=1)
    >>> made.rows, set(made.data["label"].to_pylist()), made.data["generator_model"][0].as_py()
    (2, {'pet'}, 'pets')
    """
    require_count("rows", rows)
    require_seed(seed)
    require_names(column, labels)
    if temperature is not None and not 0 < temperature < math.inf:
        raise UsageError(f"temperature is a number above 0; found {temperature!r}")
    if category is not None and not category.strip():
        raise UsageError("the category is empty; give it a name, or leave it out")
    path = Path(folder).expanduser()
    model = load_text_model(path)
    if temperature is not None and model.kind == "ngram":
        raise UsageError(f"{path} holds n-grams, which have no temperature; leave it out")
    options: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    found = collect(
        lambda n, drawn: model.sample(n, seed=drawn, **options),
        rows, set(), (seed,), f"the model in {path}", "fit it to more texts",
    )  # fmt: skip
    name = path.resolve().name
    settings = {"maker": "saved text model", "model": name, "kind": model.kind, "rows": rows, "seed": seed}
    settings |= {"category": category, "temperature": temperature, "column": column}
    settings["model_sha256"] = weights_digest(path)
    label = None if category is None else labels
    return labelled([(text, category) for text in found], column, label, None, name, settings)
