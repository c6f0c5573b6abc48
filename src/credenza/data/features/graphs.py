"""Graphs as tables of edges: the attributes of both endpoints side by side, and how many edges each has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.data.columns import Family, as_strings, family, plain
from credenza.data.progress import tracked
from credenza.data.sources import Source, open_source
from credenza.errors import InputError, UsageError

SIDES = ("source", "target")
DEGREE = "degree"


@dataclass(frozen=True)
class GraphOptions:
    """Edges with endpoints in a table of nodes.

    Attributes
    ----------
    nodes : the node table, in any form that :func:`credenza.data.open_source` opens; it is held in memory.
    node : its column of identifiers; the first one by default.
    endpoints : the two columns of the edge list that name nodes; the first two by default.
    undirected : whether (a, b) and (b, a) mean the same; each edge is then turned by a fair coin, so that neither side
        means anything.
    all_edges : whether edges that share a node with another one that was taken are taken, too.
    seed : of the coins, and of which edges are taken.
    """

    nodes: Any
    node: str | None = None
    endpoints: tuple[str, str] | None = None
    undirected: bool = False
    all_edges: bool = False
    seed: int = 0


class Graph:
    """The nodes of a graph, and the columns that its edges get.

    Parameters
    ----------
    edges : edge list, m rows. options : see there.
    attributes : of the nodes to use; None for all that can have levels.

    Raises
    ------
    UsageError : fewer than two columns of edges, or a column that is not there.
    InputError : identifiers that are neither text nor whole numbers, missing or twice in the node table; an endpoint
        that it lacks; attributes that it lacks.

    Notes
    -----
    Columns: ``source.x`` and ``target.x`` for each attribute x, and ``source.degree``, ``target.degree``: how many
    edges the node has (both directions, a loop twice), rounded down to a power of two, so that bins mean the same in
    any graph. Homophily is the association of ``source.x`` with ``target.x``.

    Tests take rows to be independent, and edges that share a node are not: its attributes come once for each of them.
    So a random set of edges is taken in which no node comes twice (:func:`matching`); degrees count all edges. Cost:
    two passes over the edges; memory: the nodes, 16 bytes a node and 32 bytes an edge.
    """

    def __init__(self, edges: Source, options: GraphOptions, attributes: Sequence[str] | None = None) -> None:
        nodes = open_source(options.nodes, role="nodes")
        self.edges, self._options = edges, options
        self.endpoints = _endpoints(edges, options.endpoints)
        self._node = options.node or nodes.columns[0]
        if self._node not in nodes.columns:
            raise UsageError(f"nodes have no column {self._node!r}; they have {_shown(nodes.columns)}")
        usable = [n for n in nodes.columns if n != self._node and _has_levels(nodes.schema.field(n).type)]
        self.left_out = {
            f"nodes.{name}": f"it holds {nodes.schema.field(name).type}, which has no levels"
            for name in nodes.columns
            if name != self._node and name not in usable
        }
        self.attributes = tuple(usable if attributes is None else attributes)
        if lacking := [name for name in self.attributes if name not in usable]:
            raise InputError(
                f"nodes have no attribute {lacking[0]!r}, which the table to be like has; add it"
            )
        table = nodes.table([self._node, *self.attributes]).unify_dictionaries().combine_chunks()
        self._table = table.select(list(self.attributes))
        self._keys = _identifiers(table[self._node], f"column {self._node!r} of the nodes")
        _require_distinct(self._keys, self._node)

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The columns that come out, the source's first."""
        kinds = [(name, self._table.schema.field(name).type) for name in self.attributes]
        return tuple(
            pa.field(f"{side}.{name}", kind)
            for side in SIDES
            for name, kind in [*kinds, (DEGREE, pa.int64())]
        )

    def settings(self) -> dict[str, Any]:
        """The attributes, and whether edges have a direction."""
        options = self._options
        return {
            "attributes": list(self.attributes),
            "undirected": options.undirected,
            "all_edges": options.all_edges,
        }

    def batches(self, carried: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, list[pa.Array]]]:
        """Yield the carried columns of some edges, and their features."""
        if DEGREE in self.attributes:
            raise InputError(f"nodes have an attribute {DEGREE!r}, like what edges are counted as; rename it")
        degrees, ends = self._degrees()
        taken = np.ones(ends.shape[1], bool)
        if not self._options.all_edges:
            taken = matching(ends, len(self._keys), self._options.seed)
        coins = np.random.default_rng(self._options.seed)
        names = list(carried) or [self.endpoints[0]]
        first = 0
        for batch in tracked(self.edges.batches(names), self.edges.rows, "edges"):
            span = slice(first, first + batch.num_rows)
            pair = ends[:, span]
            if self._options.undirected:
                pair = np.where(coins.random(batch.num_rows) < 0.5, pair[::-1], pair)
            kept = np.flatnonzero(taken[span])
            arrays = []
            for end in pair[:, kept]:
                where = pa.array(end)
                arrays += [plain_chunk(self._table[name].take(where)) for name in self.attributes]
                arrays.append(pa.array(degrees[end]))
            yield batch.select(list(carried)).take(pa.array(kept)), arrays
            first += batch.num_rows

    def _degrees(self) -> tuple[IntArray, IntArray]:
        """Edges of each node, rounded down to a power of two (0 stays 0); and both ends of every edge, (2, m)."""
        parts: list[IntArray] = []
        first = 0
        for batch in tracked(self.edges.batches(list(self.endpoints)), self.edges.rows, "degrees"):
            parts.append(self._places(batch, first))
            first += batch.num_rows
        ends = np.concatenate(parts, axis=1)
        counts = np.bincount(ends.ravel(), minlength=len(self._keys))
        return np.where(counts > 0, 1 << np.log2(np.maximum(counts, 1)).astype(np.int64), 0), ends

    def _places(self, batch: pa.RecordBatch, first: int) -> IntArray:
        """Rows of the node table of both endpoints, shape (2, rows)."""
        found = []
        for name in self.endpoints:
            keys = _identifiers(
                batch.column(batch.schema.get_field_index(name)), f"column {name!r} of the edges"
            )
            if keys.type != self._keys.type:
                raise InputError(
                    f"column {name!r} of the edges holds {keys.type} and column {self._node!r} of the nodes "
                    f"{self._keys.type}; give both as text or as whole numbers"
                )
            places = pc.index_in(keys, value_set=self._keys)
            if places.null_count:
                row = int(np.flatnonzero(places.is_null().to_numpy(zero_copy_only=False))[0])
                raise InputError(
                    f"column {name!r} of the edges names {keys[row].as_py()!r} in row {first + row:,}, "
                    "which the nodes lack; add the node or leave out the edge"
                )
            found.append(places.to_numpy())
        return np.stack(found).astype(np.int64)


def matching(ends: IntArray, nodes: int, seed: int = 0) -> NDArray[np.bool_]:
    """A random set of edges in which no node comes twice, and to which none can be added.

    Edges are gone through in random order, and each is taken whose nodes are both free.

    Parameters
    ----------
    ends : rows of both nodes of each edge, shape (2, m). nodes : how many there are. seed : of the order.

    Returns
    -------
    bool of shape (m,).

    Notes
    -----
    All edges that come first at both of their nodes are taken at once, and those at their nodes dropped, until none is
    left, which gives the same set. Cost: O(m) a round, about log m rounds; O(m) memory.

    Examples
    --------
    >>> matching(np.array([[0, 0], [1, 2]]), 3).sum(), matching(np.array([[0, 2], [1, 3]]), 4).sum()
    (np.int64(1), np.int64(2))
    """
    place = np.random.default_rng(seed).permutation(ends.shape[1])
    taken, used = np.zeros(ends.shape[1], bool), np.zeros(nodes, bool)
    left = np.arange(ends.shape[1])
    while len(left):
        first = np.full(nodes, ends.shape[1])
        for end in ends:
            np.minimum.at(first, end[left], place[left])
        chosen = left[(first[ends[:, left]] == place[left]).all(axis=0)]
        taken[chosen] = True
        used[ends[:, chosen]] = True
        left = left[~used[ends[:, left]].any(axis=0)]
    return taken


def plain_chunk(column: pa.ChunkedArray) -> pa.Array:
    """A chunked array as one array of the same type.

    Examples
    --------
    >>> plain_chunk(pa.chunked_array([["a"], ["b"]])).to_pylist()
    ['a', 'b']
    """
    joined = column.unify_dictionaries().combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def _endpoints(edges: Source, asked: tuple[str, str] | None) -> tuple[str, str]:
    if asked is None:
        if len(edges.columns) < 2:
            raise UsageError(f"edges have {len(edges.columns)} column; give two that name nodes")
        return edges.columns[0], edges.columns[1]
    for name in asked:
        if name not in edges.columns:
            raise UsageError(f"edges have no column {name!r}; they have {_shown(edges.columns)}")
    if asked[0] == asked[1]:
        raise UsageError(f"both endpoints are {asked[0]!r}; name two columns")
    return asked


def _has_levels(kind: pa.DataType) -> bool:
    return family(kind) not in (Family.NESTED, Family.BINARY)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:8]))


def _identifiers(column: pa.Array | pa.ChunkedArray, what: str) -> pa.Array:
    """Identifiers as large strings or as int64."""
    kind = family(column.type)
    if kind is Family.STRING:
        keys = as_strings(column)
    elif kind is Family.NUMBER:
        try:
            keys = plain(column).cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{what} holds numbers with fractions; name nodes by whole numbers or text"
            ) from error
    else:
        raise InputError(f"{what} holds {column.type}; name nodes by whole numbers or text")
    if keys.null_count:
        raise InputError(
            f"{what} has {keys.null_count:,} missing values; fill them in, or leave such rows out"
        )
    return keys


def _require_distinct(keys: pa.Array, name: str) -> None:
    counted = pc.value_counts(keys)
    often = pc.greater(counted.field(1), 1)
    if pc.any(often).as_py():
        twice = counted.field(0).filter(often)[0].as_py()
        raise InputError(f"column {name!r} of the nodes has {twice!r} more than once; keep one row a node")
