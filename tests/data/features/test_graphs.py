from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source
from credenza.data.features import Graph, GraphOptions, matching, write_features
from credenza.errors import InputError, UsageError

NODES = pa.table(
    {"id": ["a", "b", "c", "d"], "sex": ["f", "m", "f", "m"], "age": [20, 30, 40, None], "x": [[1]] * 4}
)
EDGES = pa.table({"from": ["a", "a", "b", "a"], "to": ["b", "c", "c", "a"], "year": [1, 2, 3, 4]})


def featured(edges: pa.Table, options: GraphOptions, folder: Path) -> pa.Table:
    write_features(edges, folder / "f.parquet", options)
    return pq.read_table(folder / "f.parquet")


def test_edges_get_the_attributes_of_both_ends(tmp_path: Path) -> None:
    done = write_features(EDGES, tmp_path / "f.parquet", GraphOptions(NODES, all_edges=True))
    assert pq.read_table(tmp_path / "f.parquet").to_pydict() == {
        "year": [1, 2, 3, 4],
        "source.sex": ["f", "f", "m", "f"],
        "source.age": [20, 20, 30, 20],
        "source.degree": [4, 4, 2, 4],
        "target.sex": ["m", "f", "f", "f"],
        "target.age": [30, 40, 40, 20],
        "target.degree": [2, 2, 2, 4],
    }
    assert (done.kind, done.rows, done.carried, list(done.left_out)) == ("graph", 4, ("year",), ["nodes.x"])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20), st.integers(0, 3))
def test_degrees_and_turning(pairs: list[tuple[int, int]], seed: int) -> None:
    edges = open_source(
        pa.table({"u": [u for u, _ in pairs], "v": pa.array([v for _, v in pairs], pa.int16())})
    )
    nodes = pa.table({"id": np.arange(6), "name": [f"n{i}" for i in range(6)]})
    counts = Counter(node for pair in pairs for node in pair)
    graph = Graph(edges, GraphOptions(nodes, undirected=True, all_edges=True, seed=seed))
    ((_, arrays),) = graph.batches([])
    source, source_degree, target, target_degree = (array.to_pylist() for array in arrays)
    for (u, v), a, b, m, n in zip(pairs, source, target, source_degree, target_degree, strict=True):
        assert sorted([u, v]) == sorted([int(a[1]), int(b[1])])
        assert (m, n) == tuple(1 << (counts[int(name[1])].bit_length() - 1) for name in (a, b))


def test_coins_are_fair_seeded_and_blind_to_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = pa.table({"u": ["a"] * 2_000, "v": ["b"] * 2_000})
    options = GraphOptions(NODES.select(["id", "sex"]), undirected=True, all_edges=True, seed=3)
    first = featured(edges, options, tmp_path)
    assert 900 < first["source.sex"].to_pylist().count("f") < 1_100
    monkeypatch.setattr("credenza.data.sources.BATCH_ROWS", 37)
    assert featured(edges, options, tmp_path).equals(first)
    other = GraphOptions(NODES.select(["id", "sex"]), undirected=True, all_edges=True, seed=4)
    assert not featured(edges, other, tmp_path).equals(first)


def test_endpoints_and_identifiers_are_named(tmp_path: Path) -> None:
    edges = pa.table({"w": [0.5], "u": [2], "v": [1]})
    nodes = pa.table({"sex": ["f", "m"], "n": [1.0, 2.0]})
    table = featured(edges, GraphOptions(nodes, node="n", endpoints=("u", "v")), tmp_path)
    assert table.to_pylist() == [
        {"w": 0.5, "source.sex": "m", "source.degree": 1, "target.sex": "f", "target.degree": 1}
    ]


def test_like_takes_the_same_attributes(tmp_path: Path) -> None:
    write_features(EDGES, tmp_path / "a.parquet", GraphOptions(NODES.select(["id", "age"])))
    done = write_features(EDGES, tmp_path / "b.parquet", GraphOptions(NODES), like=tmp_path / "a.parquet")
    assert done.columns == ("source.age", "source.degree", "target.age", "target.degree")
    with pytest.raises(
        InputError, match=r"^nodes have no attribute 'age', which the table to be like has; add it$"
    ):
        write_features(
            EDGES,
            tmp_path / "c.parquet",
            GraphOptions(NODES.select(["id", "sex"])),
            like=tmp_path / "a.parquet",
        )
    with pytest.raises(
        UsageError, match=r"^the table to be like was made with undirected False; say the same of this graph$"
    ):
        write_features(
            EDGES, tmp_path / "c.parquet", GraphOptions(NODES, undirected=True), like=tmp_path / "a.parquet"
        )


@pytest.mark.parametrize(
    ("edges", "options", "line"),
    [
        (pa.table({"u": ["a"]}), GraphOptions(NODES), "edges have 1 column; give two that name nodes"),
        (
            EDGES,
            GraphOptions(NODES, endpoints=("from", "two")),
            "edges have no column 'two'; they have 'from', 'to'",
        ),
        (EDGES, GraphOptions(NODES, endpoints=("to", "to")), "both endpoints are 'to'; name two columns"),
        (EDGES, GraphOptions(NODES, node="key"), "nodes have no column 'key'; they have 'id', 'sex', 'age'"),
        (
            EDGES,
            GraphOptions(NODES.slice(0, 2)),
            "column 'to' of the edges names 'c' in row 1, which the nodes lack",
        ),
        (
            EDGES,
            GraphOptions(NODES, node="age"),
            "column 'age' of the nodes has 1 missing values; fill them in",
        ),
        (
            EDGES,
            GraphOptions(NODES, node="sex"),
            "column 'sex' of the nodes has 'f' more than once; keep one row",
        ),
        (EDGES, GraphOptions(NODES, node="x"), "column 'x' of the nodes holds list<"),
        (
            EDGES,
            GraphOptions(pa.table({"n": [1, 2]})),
            "column 'from' of the edges holds large_string and column",
        ),
        (
            EDGES,
            GraphOptions(pa.table({"n": [1.5]})),
            "column 'n' of the nodes holds numbers with fractions;",
        ),
        (
            EDGES,
            GraphOptions(pa.table({"n": ["a", "b", "c"], "degree": [1, 2, 3]})),
            "nodes have an attribute 'degree', like what edges are counted as; rename it",
        ),
    ],
)
def test_bad_graphs_are_one_line(edges: pa.Table, options: GraphOptions, line: str, tmp_path: Path) -> None:
    with pytest.raises((InputError, UsageError)) as caught:
        write_features(edges, tmp_path / "f.parquet", options)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


edge_lists = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=25)


@settings(deadline=None, max_examples=40)
@given(edge_lists, st.integers(0, 5))
def test_matchings_are_what_going_through_the_edges_gives(pairs: list[tuple[int, int]], seed: int) -> None:
    ends = np.array(pairs, np.int64).reshape(-1, 2).T
    used: set[int] = set()
    wanted = np.zeros(len(pairs), bool)
    for edge in np.argsort(np.random.default_rng(seed).permutation(len(pairs))):
        if not used & set(pairs[edge]):
            used |= set(pairs[edge])
            wanted[edge] = True
    assert matching(ends, 8, seed).tolist() == wanted.tolist()


def test_no_node_comes_twice_unless_asked(tmp_path: Path) -> None:
    nodes = pa.table({"id": np.arange(40), "name": [f"n{i}" for i in range(40)]})
    rng = np.random.default_rng(0)
    edges = pa.table({"u": rng.integers(0, 40, 300), "v": rng.integers(0, 40, 300), "w": range(300)})
    table = featured(edges, GraphOptions(nodes), tmp_path)
    names = [name for u, v in zip(*table.select(["source.name", "target.name"]).to_pydict().values(), strict=True)
             for name in {u, v}]  # fmt: skip
    assert len(set(names)) == len(names) > 30
    for row in table.to_pylist():
        assert row["source.name"] == f"n{edges['u'][row['w']]}"
    assert featured(edges, GraphOptions(nodes, all_edges=True), tmp_path).num_rows == 300
