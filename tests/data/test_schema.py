"""Features, schemas, and where planes go."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from credenza.data import Feature, Kind, Schema, encode, extend_schema, fit_schema, level_map, sketch
from credenza.errors import InputError, UsageError

TABLE = pa.table(
    {
        "flag": [True, False, None] * 40,
        "colour": ["r", "g", "b"] * 40,
        "x": np.arange(120) / 8,
        "same": ["k"] * 120,
    }
)
SCHEMA = fit_schema(sketch(TABLE))


def test_shape_of_the_planes() -> None:
    assert SCHEMA.names == ("flag", "colour", "x")
    assert SCHEMA.sizes.tolist() == [3, 3, 8]
    assert SCHEMA.offsets.tolist() == [0, 3, 6, 14]
    assert (SCHEMA.planes, SCHEMA.index("x")) == (14, 2)
    empty = Schema(())
    assert (empty.planes, empty.names, empty.offsets.tolist()) == (0, (), [0])


def test_dictionaries_and_digests() -> None:
    again = Schema.from_dict(json.loads(json.dumps(SCHEMA.to_dict(), allow_nan=False)))
    assert again == SCHEMA
    assert again.digest() == SCHEMA.digest() == fit_schema(sketch(TABLE)).digest()
    assert isinstance(again.features[0].values[0], bool)
    other = fit_schema(sketch(TABLE), bins=4)
    assert other != SCHEMA
    assert other.digest() != SCHEMA.digest()
    assert Schema(SCHEMA.features).digest() == SCHEMA.digest()


@pytest.mark.parametrize("data", [{}, {"features": [{}], "skipped": []}, {"features": 3, "skipped": []}])
def test_what_is_not_a_schema(data: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"^not a schema \(\w+: .*\); give what to_dict wrote$"):
        Schema.from_dict(data)


def test_index_messages() -> None:
    with pytest.raises(UsageError) as caught:
        SCHEMA.index("same")
    assert str(caught.value) == (
        "'same' was left out: constant: only the value k in 120 rows; choose one of 'flag', 'colour', 'x'"
    )
    with pytest.raises(UsageError, match="'z' is not among the features; choose one of"):
        SCHEMA.index("z")


def test_cuts() -> None:
    flag, colour, x = SCHEMA.features
    assert flag.cut(0) == "True"
    assert [x.cut(k) for k in range(7)] == [f"> {edge:.15g}" for edge in x.edges]
    assert x.levels[0] == f"<= {x.edges[0]:.15g}"
    few = fit_schema(sketch(pa.table({"n": [1, 2, 3]}))).features[0]
    assert (few.levels, few.ordered, few.cut(1)) == (("1", "2", "3"), 3, "> 2")
    for feature, k in ((colour, 0), (x, 7), (x, -1), (flag, 1)):
        with pytest.raises(
            UsageError, match=rf"'{feature.name}' has no cut {k}; it has \d cuts, counted from 0"
        ):
            feature.cut(k)


def test_level_map_follows_every_level() -> None:
    suspect = TABLE.drop_columns(["x"]).set_column(0, "flag", pa.array(["yes", "no", None] * 40))
    suspect = suspect.set_column(1, "colour", pa.array(["r", None, "new"] * 40))
    wider, _ = extend_schema(SCHEMA, sketch(suspect))
    assert wider.features[1].levels == ("b", "g", "r", "(other)", "(missing)")
    places = level_map(SCHEMA, wider)
    assert places.tolist() == [0, 1, 2, 3, 4, 5] + [-1] * 8
    labels = [label for feature in wider.features for label in feature.levels]
    old = [label for feature in SCHEMA.features for label in feature.levels]
    assert all(labels[new] == label for new, label in zip(places, old, strict=True) if new >= 0)
    assert level_map(SCHEMA, SCHEMA).tolist() == list(range(14))


def test_level_map_messages() -> None:
    with pytest.raises(UsageError, match="levels of 'x' differ between the schemas; fit one schema for both"):
        level_map(SCHEMA, fit_schema(sketch(TABLE), bins=4))
    shrunk = Schema((Feature("flag", Kind.BINARY, ("False", "True"), values=(False, True)),))
    with pytest.raises(UsageError, match=r"'flag' has lost its level \(missing\); extend the schema"):
        level_map(SCHEMA, shrunk)


@pytest.mark.parametrize("values", [[1.0, 2.0, math.inf], [-math.inf, 0.0, 1.0, 1.0, None]])
def test_two_values_beside_infinities_are_bins_that_take_them(values: list[float | None]) -> None:
    table = pa.table({"x": values * 50})
    schema = fit_schema(sketch(table))
    codes = encode(table, schema)[:, 0]
    assert schema.features[0].kind is Kind.CONTINUOUS
    assert len(set(codes.tolist())) == len({v for v in values if v is None or math.isfinite(v)})


def test_one_value_beside_infinities_is_left_out() -> None:
    schema = fit_schema(sketch(pa.table({"x": [1.0, math.inf] * 50})))
    assert schema.skipped == (("x", "one finite value and infinities"),)
