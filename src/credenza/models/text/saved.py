"""A text model from the folder that it was saved to, whatever its kind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from credenza.errors import InputError, MissingExtraError
from credenza.models.store import model_kind

if TYPE_CHECKING:
    from credenza.models.text.ngram import NGram
    from credenza.models.text.transformer import TextTransformer

KINDS: Mapping[str, str] = {"ngram": "NGram", "transformer": "TextTransformer"}


def load_text_model(folder: str | os.PathLike[str]) -> NGram | TextTransformer:
    """Read a model of texts that was saved by this package.

    Parameters
    ----------
    folder : that :meth:`NGram.save` or :meth:`TextTransformer.save` wrote.

    Raises
    ------
    InputError : no such folder, no model in it, one of another kind, or a damaged one.
    MissingExtraError : safetensors is not installed, or torch for a transformer.

    Examples
    --------
    >>> import tempfile
    >>> from credenza.models.text import NGram
    >>> with tempfile.TemporaryDirectory() as name:
    ...     NGram(order=2).fit(["the cat sat.", "the dog sat."]).save(Path(name, "m"))
    ...     load_text_model(Path(name, "m")).order
    2
    """
    path = Path(folder).expanduser()
    kind = model_kind(path)
    if kind not in KINDS:
        raise InputError(f"{path} holds a model of kind {kind!r}; texts are made by {' or '.join(KINDS)}")
    maker = getattr(import_module("credenza.models.text"), KINDS[kind])
    try:
        model: NGram | TextTransformer = maker.load(path)
    except (InputError, MissingExtraError):
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path} holds damaged settings of a text model; save the model again") from error
    return model
