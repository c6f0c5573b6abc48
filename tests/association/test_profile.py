"""Profiles: saved and read back, added, like one another, without rows, and never half-written."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza import Profile, profile
from credenza.association.census import numeric_names
from credenza.association.profile import layout_of
from credenza.data import extend_schema, sketch, write_bytes
from credenza.errors import CredenzaError, InputError, UsageError

RARE = "zebra-crossing-7319"


def table(rows: int = 400, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    columns = {
        "smiles": rng.random(rows) < 0.4,
        "job": rng.choice(["cook", "clerk", "smith"], rows).tolist(),
        "age": x.tolist(),
        "pay": [None if k % 50 == 0 else float(v) for k, v in enumerate(x + rng.normal(size=rows))],
    }
    return pa.table(columns)


def same(a: Profile, b: Profile) -> bool:
    moments = (
        np.array_equal(getattr(a.moments, k), getattr(b.moments, k))
        for k in ("count", "mean", "square", "product")
    )
    plain = (a.schema, a.rows, a.duplicates, a.source, a.sha256, a.seed, a.moments.names)
    return (
        plain == (b.schema, b.rows, b.duplicates, b.source, b.sha256, b.seed, b.moments.names)
        and np.array_equal(a.counts.joint, b.counts.joint)
        and all(moments)
    )


def rewritten(path: Path, target: Path, **changes: Any) -> Path:
    """The profile at ``path`` with some arrays or entries of its description replaced (None: left out)."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    meta = json.loads(arrays["meta"].tobytes())
    for name, value in changes.items():
        if name in arrays:
            arrays[name] = value
        else:
            meta[name] = value
    if "meta" not in changes:
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **{k: v for k, v in arrays.items() if v is not None})
    write_bytes(buffer.getvalue(), target)
    return target


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "clean.czp"
    profile(table()).save(path)
    return path


def test_a_profile_reads_back_as_it_was(saved: Path) -> None:
    made = profile(table())
    read = Profile.load(saved)
    assert same(made, read)
    assert read.schema.digest() == made.schema.digest()
    assert made.rows == 400
    assert made.duplicates is not None
    assert numeric_names(made.schema) == made.moments.names == ("age", "pay")
    assert layout_of(made.schema).ordered == (0, 0, 8, 8)


def test_a_merged_profile_is_that_of_all_rows(tmp_path: Path) -> None:
    whole = table()
    first = profile(whole)
    rest = profile(table(300, seed=1), like=first)
    merged = first + rest
    both = profile(pa.concat_tables([whole, table(300, seed=1)]), like=first)
    np.testing.assert_array_equal(merged.counts.joint, both.counts.joint)
    np.testing.assert_allclose(merged.moments.correlation(), both.moments.correlation(), atol=1e-12)
    assert (merged.rows, merged.duplicates, merged.sha256) == (700, None, "")
    assert merged.source == f"{first.source} + {rest.source}"
    merged.save(tmp_path / "merged.czp")
    assert same(Profile.load(tmp_path / "merged.czp"), merged)


def test_profiles_with_other_levels_do_not_add() -> None:
    with pytest.raises(InputError) as error:
        profile(table()) + profile(table(300, seed=1))
    assert "have differing levels: make the second one like the first" in str(error.value)


def test_columns_and_like_exclude_each_other() -> None:
    first = profile(table(), columns=["age", "job"])
    assert first.schema.names == ("age", "job")
    with pytest.raises(UsageError) as error:
        profile(table(), columns=["age"], like=first)
    assert str(error.value).startswith(
        "columns and like were both given: the columns of a profile like another"
    )


def test_nothing_to_profile_is_said_with_reasons() -> None:
    with pytest.raises(InputError) as error:
        profile(pa.table({"same": [1] * 50}))
    assert "has no column that can be profiled ('same': " in str(error.value)
    assert str(error.value).endswith("): give columns that vary")


def test_extended_moves_counts_to_their_new_levels() -> None:
    clean = profile(table())
    wider = pa.table(
        {
            "job": ["cook", "thief", "clerk", None] * 25,
            "age": [0.0] * 100,
            "pay": [1.0] * 100,
            "new": [1] * 100,
        }
    )
    schema, _ = extend_schema(clean.schema, sketch(wider))
    counts = clean.extended(schema)
    assert schema.names == ("job", "age", "pay")
    assert counts.rows == 400
    before = clean.counts.table(clean.schema.index("job"), clean.schema.index("age"))
    after = counts.table(schema.index("job"), schema.index("age"))
    np.testing.assert_array_equal(after[: len(before), : before.shape[1]], before)
    assert after.sum() == before.sum() == 400


def test_no_rare_value_is_in_the_file(tmp_path: Path) -> None:
    rows = 1000
    values = ["common", "usual"] * (rows // 2 - 1) + [RARE, RARE + "b"]
    name = [f"{RARE}-{k}" for k in range(rows)]
    made = profile(pa.table({"a": values, "id": name, "b": [0, 1] * (rows // 2)}))
    assert "(other)" in made.schema.features[0].levels
    made.save(tmp_path / "p.czp")
    with zipfile.ZipFile(tmp_path / "p.czp") as archive:
        content = b"".join(archive.read(part) for part in archive.namelist())
    assert b"usual" in content
    assert RARE.encode() not in content


def test_a_file_in_the_way_is_replaced_whole_or_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.czp"
    first, second = profile(table()), profile(table(300, seed=1))
    first.save(path)

    def no_space(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", no_space)
        with pytest.raises((OSError, CredenzaError)):
            second.save(path)
    assert same(Profile.load(path), first)
    assert [p.name for p in tmp_path.iterdir()] == ["p.czp"]
    second.save(path)
    assert same(Profile.load(path), second)


def test_saving_beside_no_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder .*; create it first"):
        profile(table()).save(tmp_path / "none" / "p.czp")


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        Profile.load(path)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    message = f"no profile at {tmp_path / 'p.czp'}: give a file written by credenza profile"
    assert refused(tmp_path / "p.czp") == message
    assert refused(tmp_path).startswith("no profile at ")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x80\x04K\x01.", b"PK\x03\x04"])
def test_foreign_files_are_no_profiles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.czp"
    path.write_bytes(content)
    reason = "ValueError: not a zip archive"
    assert refused(path) == f"{path} is not a profile ({reason}): give a file written by credenza profile"


FORGED: list[tuple[dict[str, Any], str]] = [
    ({"format": "other/9"}, "ValueError: format 'other/9', not 'credenza.profile/1'"),
    ({"meta": None}, "KeyError: 'meta'"),
    ({"meta": np.frombuffer(b"[1]", np.uint8)}, "TypeError: "),
    ({"meta": np.frombuffer(b"\xff", np.uint8)}, "UnicodeDecodeError: "),
    ({"schema": {}}, "InputError: not a schema"),
    ({"rows": float("inf")}, "OverflowError: "),
    ({"numeric": ["job"]}, "ValueError: moments of other columns than the continuous ones"),
    ({"duplicates": {"x": 1}}, "TypeError: "),
    ({"joint": np.zeros(3, np.int64)}, "ValueError: array 'joint' is int64 (3,), not int64 ("),
    ({"joint": np.array(7)}, "ValueError: array 'joint' is int64 (), not int64 ("),
    ({"mean": np.zeros((2, 2), np.int64)}, "ValueError: array 'mean' is int64 (2, 2), not float64 (2, 2)"),
    ({"square": np.zeros((3, 3))}, "ValueError: array 'square' is float64 (3, 3), not float64 (2, 2)"),
]


@pytest.mark.parametrize(("changes", "reason"), FORGED)
def test_forged_files_are_refused(saved: Path, tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    message = refused(rewritten(saved, tmp_path / "p.czp", **changes))
    assert f"p.czp is not a profile ({reason}" in message


def test_a_pickle_inside_is_not_opened(saved: Path, tmp_path: Path) -> None:
    path = rewritten(saved, tmp_path / "p.czp", joint=np.array([{"a": 1}], object))
    assert "p.czp is not a profile (ValueError: " in refused(path)


@given(where=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), cut=st.floats(0, 1))
def test_damage_is_found_or_harmless(saved: Path, where: float, value: int, cut: float) -> None:
    content = bytearray(saved.read_bytes())
    content[int(where * len(content))] = value
    path = saved.with_name("damaged.czp")
    path.write_bytes(bytes(content))
    with contextlib.suppress(InputError):
        assert same(Profile.load(path), Profile.load(saved))
    path.write_bytes(bytes(content[: int(cut * (len(content) - 1))]))
    assert "is not a profile" in refused(path)


def test_a_part_with_missing_values_and_new_levels_adds_to_one_without() -> None:
    first = profile(table(300))
    odd = table(300, seed=1).to_pylist()
    for row in odd[:40]:
        row["age"] = None
    for row in odd[40:60]:
        row["job"] = "a level that the first part lacks"
    second = profile(pa.Table.from_pylist(odd, schema=table(300).schema), like=first)
    both, turned = first + second, second + first
    assert both.rows == 600
    assert both.counts.joint.tolist() == turned.counts.joint.tolist()
    age = both.schema.features[both.schema.index("age")]
    assert age.missing is not None
    assert both.counts.marginal(both.schema.index("age"))[age.missing] == 40
    assert both.counts.marginal(both.schema.index("age")).sum() == 600
