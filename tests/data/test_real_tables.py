"""Real tables, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from credenza.data import (
    Kind,
    encode,
    encode_source,
    extend_schema,
    fit_schema,
    open_source,
    sketch,
    write_table,
)

FOLDER = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no folder of real tables beside the repository")


def test_faces() -> None:
    source = open_source(FOLDER / "celeba_attributes.parquet")
    schema = fit_schema(sketch(source))
    assert (source.rows, len(schema.features), schema.planes) == (16_000, 40, 80)
    assert {feature.kind for feature in schema.features} == {Kind.BINARY}
    assert [name for name, _ in schema.skipped] == ["image_id"]
    codes = np.concatenate(list(encode_source(source, schema, size=3_000)))
    table = source.table(schema.names)
    np.testing.assert_array_equal(codes, np.column_stack([np.array(column) for column in table.columns]))


def test_census_through_every_format(tmp_path: Path) -> None:
    source = open_source(open_source(FOLDER / "adult_census.parquet").table().slice(0, 12_000))
    schema = fit_schema(sketch(source))
    kinds = [feature.kind for feature in schema.features]
    assert (kinds.count(Kind.CATEGORICAL), kinds.count(Kind.CONTINUOUS), kinds.count(Kind.BINARY)) == (
        7,
        6,
        2,
    )
    assert schema.skipped == ()
    gain = schema.features[schema.index("capital_gain")]
    assert gain.levels[0] == "<= 0"
    assert 2 <= gain.ordered <= 4
    codes = encode(source.table(), schema)
    for position, feature in enumerate(schema.features):
        counts = np.bincount(codes[:, position], minlength=feature.size)
        assert (counts[: feature.ordered] >= 0.01 * source.rows).all()
        assert all(len(label) <= 16 for label in feature.levels[: feature.ordered])
    for suffix in (".csv", ".jsonl", ".feather"):
        write_table(source.table(), tmp_path / f"t{suffix}")
        again = open_source(tmp_path / f"t{suffix}")
        assert fit_schema(sketch(again)) == schema
        np.testing.assert_array_equal(np.concatenate(list(encode_source(again, schema))), codes)
        assert again.duplicates() == source.duplicates()


def test_halves_of_the_census_share_a_schema() -> None:
    table = open_source(FOLDER / "adult_census.parquet").table()
    mixed = table.take(pa.array(np.random.default_rng(0).permutation(table.num_rows)))
    schema = fit_schema(sketch(mixed.slice(0, 20_000)))
    extended, issues = extend_schema(schema, sketch(mixed.slice(20_000)))
    assert extended.names == schema.names
    assert all(issue.problem == "new levels" and issue.share < 0.02 for issue in issues)
    assert encode(mixed, extended).shape == (table.num_rows, 15)


def test_texts_and_images_are_skipped_with_reasons() -> None:
    reviews = fit_schema(sketch(open_source(FOLDER / "movie_reviews.parquet")))
    assert reviews.names == ("label",)
    assert "identifier or free text" in dict(reviews.skipped)["text"]
    pictures = fit_schema(sketch(open_source(FOLDER / "cifar10_test.parquet")))
    assert "bytes" in dict(pictures.skipped)["image"]
