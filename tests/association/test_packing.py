"""Bit planes from codes and from Arrow's bitmaps."""

from __future__ import annotations

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import tiles
from credenza.association.packing import FEATURES, pack_booleans, pack_codes
from credenza.errors import InputError

lengths = st.sampled_from([0, 1, 7, 63, 64, 65, 130, 600])


def numbers(planes: np.ndarray) -> list[int]:
    """Each plane as one whole number."""
    return [sum(int(word) << 64 * w for w, word in enumerate(plane)) for plane in planes]


@given(st.lists(st.integers(1, 9), max_size=4), lengths, st.integers(0, 999))
def test_codes_become_the_planes_of_their_levels(sizes: list[int], rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.array([rng.integers(0, s, rows) for s in sizes], np.uint8).reshape(len(sizes), rows).T
    planes = pack_codes(codes, sizes)
    assert planes.shape == (sum(sizes) - len(sizes), -(-rows // 64))
    assert numbers(planes) == oracles.planes(codes, sizes)
    chosen = [j for j in reversed(range(len(sizes))) if j % 2 == 0]
    some = pack_codes(np.ascontiguousarray(codes), sizes, chosen)
    assert numbers(some) == oracles.planes(codes[:, chosen], [sizes[j] for j in chosen])


def test_all_256_levels_and_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "cores", lambda: 3)
    monkeypatch.setattr(tiles, "THREADED", 0)
    codes = np.tile(np.arange(256, dtype=np.uint8)[:, None], (1, 2))
    planes = pack_codes(codes, (256, 256))
    assert numbers(planes) == oracles.planes(codes, (256, 256))
    wide = np.random.default_rng(0).integers(0, 2, (70, 2 * FEATURES + 3)).astype(np.uint8)
    assert numbers(pack_codes(wide, (2,) * wide.shape[1])) == oracles.planes(wide, (2,) * wide.shape[1])


@given(lengths, st.integers(0, 17), st.booleans(), st.integers(0, 999))
def test_booleans_are_copied_from_any_row_on(rows: int, skip: int, gaps: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((3, rows + skip + 5)) < 0.5
    missing = (rng.random(values.shape) < 0.3) & gaps
    arrays = [pa.array(v, mask=m).slice(skip, rows) for v, m in zip(values, missing, strict=True)]
    planes = pack_booleans(arrays)
    expected = (values & ~missing)[:, skip : skip + rows].T
    assert planes.shape == (3, -(-rows // 64))
    assert numbers(planes) == oracles.planes(expected, (2, 2, 2))
    np.testing.assert_array_equal(planes, pack_codes(expected.astype(np.uint8), (2, 2, 2)))


def test_no_column_has_no_plane() -> None:
    assert pack_booleans([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([pa.array([1, 2])], "column 0 is int64 of 2 rows: give booleans of 2 rows"),
        (
            [pa.array([True]), pa.array([True, False])],
            "column 1 is bool of 2 rows: give booleans of 1 rows",
        ),
    ],
)
def test_other_columns_are_refused(arrays: list[pa.Array], message: str) -> None:
    with pytest.raises(InputError) as error:
        pack_booleans(arrays)
    assert str(error.value) == message
