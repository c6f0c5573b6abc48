"""From what was asked for to embeddings of the suspect and of its reference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from credenza.contracts import IntArray
from credenza.data.columns import Family, family
from credenza.data.features.contents import candidate_columns, find_contents
from credenza.data.media import MediaReader
from credenza.data.media_bytes import is_file_column
from credenza.data.progress import announce
from credenza.data.sources import Source
from credenza.errors import UsageError
from credenza.models.embedding.base import Embedded, Maker
from credenza.models.embedding.cache import Cache

WAYS = ("auto", "images", "text", "table")
SHOWN = 8


@dataclass(frozen=True)
class Request:
    """Which embeddings are asked for.

    Attributes
    ----------
    how : "auto", "images", "text", "table" or the path of a model. column : of the contents; None finds it.
    cache : folder where embeddings are kept; None keeps none.
    without : columns that are no content (labels, slices). columns : those that may be; None for all.
    """

    how: str | os.PathLike[str] = "auto"
    column: str | None = None
    cache: str | os.PathLike[str] | None = None
    without: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Content:
    """What embeddings are made of: "images", "text" or "table", and the column (None of a table)."""

    kind: str
    column: str | None


class Embedding:
    """Embeddings of a suspect, and of its reference by the same model; each made when it is first asked for.

    Parameters
    ----------
    suspect : the data. request : what is asked for.
    labels : int64 (n,), codes of the suspect's classes, or None; the network of images learns them.
    seed : of everything random.

    Raises
    ------
    UsageError : see :func:`find_content`; images without labels and without a model; a model that takes another kind of
        content; a cache that cannot be made. InputError : a model that cannot be read, or is a pickle.
    MissingExtraError : what it takes is not installed.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import open_source
    >>> table = pa.table({"age": list(range(40)), "sex": ["f", "m"] * 20})
    >>> Embedding(open_source(table), Request("table")).suspect.values.shape
    (40, 3)
    """

    def __init__(
        self, suspect: Source, request: Request, labels: IntArray | None = None, *, seed: int = 0
    ) -> None:
        self._source, self._request, self._seed = suspect, request, seed
        self._cache = Cache(None if request.cache is None else Path(request.cache))
        self.content = find_content(suspect, request)
        self._maker = self._chosen(labels)

    @property
    def kind(self) -> str:
        """What they are made of: "images", "text" or "table"."""
        return self.content.kind

    @property
    def name(self) -> str:
        """Of the model."""
        return self._maker.name

    @property
    def general(self) -> bool:
        """Whether they say what a row holds, whatever its labels; see :class:`credenza.models.embedding.base.Maker`."""
        return self._maker.general

    @cached_property
    def suspect(self) -> Embedded:
        """Embeddings of the suspect's rows."""
        return self._cache.get(self._key(self._source), self._maker.first)

    def reference(self, source: Source) -> Embedded | None:
        """Embeddings of a reference's rows by the same model; None, announced, where it lacks the contents."""
        column = self.content.column
        if column is not None and column not in source.columns:
            announce(f"{source.name} has no column {column!r}: embeddings are made of the suspect alone")
            return None
        key = {**self._key(self._source), "reference": source.fingerprint()}
        return self._cache.get(key, lambda: self._maker.another(source))

    def _key(self, source: Source) -> dict[str, object]:
        return {"data": source.fingerprint(), "kind": self.kind, **self._maker.key}

    def _chosen(self, labels: IntArray | None) -> Maker:
        kind, column, how = self.kind, self.content.column, self._request.how
        if str(how) not in WAYS:
            return self._from_file(Path(how).expanduser())
        if kind == "table":
            from credenza.models.embedding.table import TableMaker

            return TableMaker(self._source, without=self._request.without, columns=self._request.columns)
        assert column is not None
        if kind == "text":
            from credenza.models.embedding.text import TextMaker

            return TextMaker(self._source, column, seed=self._seed)
        from credenza.models.embedding.images import NetworkMaker

        if labels is None:
            raise UsageError(
                "embeddings of images are learnt from their labels: give --labels COL, or the path of a model "
                "(--embed MODEL)"
            )
        maker = NetworkMaker(self._source, column, labels, seed=self._seed)
        if self._cache.folder is not None:
            key = {"data": self._source.fingerprint(), **maker.key}
            maker.folder = self._cache.place(key, "network")
        return maker

    def _from_file(self, path: Path) -> Maker:
        from credenza.models.embedding.foreign import open_model
        from credenza.models.embedding.images import ModelMaker
        from credenza.models.embedding.model_files import model_digest
        from credenza.models.embedding.text import SentenceMaker

        model = open_model(path)
        if model.takes != self.kind:
            raise UsageError(
                f"the model {model.name} takes {model.takes}, and {self._source.name} was found to hold "
                f"{'a table' if self.kind == 'table' else self.kind}; name a column of {model.takes} (--embed-column)"
            )
        assert self.content.column is not None
        if model.takes == "text":
            return SentenceMaker(self._source, self.content.column, model, model_digest(path))
        return ModelMaker(self._source, self.content.column, model, model_digest(path))


def find_content(source: Source, request: Request) -> Content:
    """What embeddings of some data are made of.

    "auto" (and the path of a model) takes the images of a folder or column of images; else the only column of texts;
    else the whole table. What it takes of a table is announced.

    Raises
    ------
    UsageError : sounds; no such column, or one that does not hold what is asked for; several columns that may be meant.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import open_source
    >>> films = open_source(pa.table({"review": ["a film that one forgets"], "stars": [1]}))
    >>> find_content(films, Request()), find_content(films, Request("table")).kind
    (Content(kind='text', column='review'), 'table')
    """
    how, column = str(request.how), request.column
    if how == "table":
        if column is not None:
            raise UsageError(
                f"--embed table is made of all columns, and --embed-column names {column!r}: give one of the two"
            )
        return Content("table", None)
    wanted = how if how in WAYS[1:] else None
    if column is None and not isinstance(source.reader, MediaReader):
        column = _only_column(source, request, wanted)
        if column is None:
            return Content("table", None)
        announce(f"embeddings are made of column {column!r}")
    elif column is not None:
        _require_column(source, column)
    name, kind = find_contents(source, column)
    if kind == "sounds":
        raise UsageError(f"{source.name} holds sounds, which are not embedded here; give --embeddings FILE")
    if wanted is not None and kind != wanted:
        raise UsageError(f"--embed {wanted} was asked for, and {name!r} of {source.name} holds {kind}")
    return Content(kind, name)


def _only_column(source: Source, request: Request, wanted: str | None) -> str | None:
    """The only column that may be meant; None where a whole table is."""
    files, texts = (_allowed(names, request) for names in candidate_columns(source))
    if wanted == "text" and not texts:  # short ones will do where they are asked for
        every = [field.name for field in source.schema if family(field.type) is Family.STRING]
        texts = _allowed(every, request)
    found = files if wanted == "images" else texts if wanted == "text" else files or texts
    if len(found) == 1:
        return found[0]
    if not found and wanted is None:
        return None
    what = "column" if wanted is None else f"column of {wanted}"
    shown = ", ".join(map(repr, (found or source.columns)[:SHOWN]))
    said = "several columns may be" if found else f"no {what} was found to be"
    raise UsageError(f"{source.name}: {said} the contents ({shown}); name one with --embed-column")


def _allowed(names: Sequence[str], request: Request) -> tuple[str, ...]:
    chosen = request.columns
    return tuple(name for name in names if name not in request.without and (chosen is None or name in chosen))


def _require_column(source: Source, column: str) -> None:
    if column not in source.columns:
        shown = ", ".join(map(repr, source.columns[:SHOWN]))
        raise UsageError(
            f"--embed-column names {column!r}, which {source.name} does not have; it has {shown}"
        )
    kind = source.schema.field(column).type
    if not is_file_column(kind) and family(kind) is not Family.STRING:
        raise UsageError(
            f"--embed-column names {column!r}, which holds {kind}; name a column of texts or of image files"
        )
