"""The rows of a drill: pooled, dealt out, shared with other processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from drill.tables import people

from credenza import profile
from credenza.drill.pool import Pool, open_inputs
from credenza.drill.settings import DrillSettings
from credenza.errors import CredenzaError, InputError, UsageError


def pooled(
    clean: pa.Table, reference: pa.Table | None = None, holdout: pa.Table | None = None, **o: object
) -> Pool:
    columns = o.pop("columns", None)
    return Pool.of(*open_inputs(clean, reference, holdout), columns, DrillSettings(**o))  # type: ignore[arg-type]


def test_both_sides_are_pooled_and_dealt_out_at_their_sizes() -> None:
    pool = pooled(people(300, 0), people(200, 1))
    assert (pool.suspect_rows, pool.reference_rows, pool.donors) == (300, 200, 200)
    assert pool.schema.names == ("smoker", "urban", "active", "region", "age", "income")
    suspect, reference = pool.deal(np.random.default_rng(0))
    assert (suspect.num_rows, reference.num_rows) == (300, 200)
    both = sorted(pa.concat_tables([suspect, reference])["income"].to_pylist())
    assert both == sorted(pool.table["income"].to_pylist())


def test_without_a_reference_the_rows_are_split() -> None:
    pool = pooled(people(500, 0), split=0.6)
    assert (pool.suspect_rows, pool.reference_rows) == (300, 200)


def test_a_hold_out_gives_the_rows_to_put_in() -> None:
    pool = pooled(people(300, 0), people(200, 1), people(70, 2))
    assert pool.donors == 70
    assert pool.holdout is not None
    assert pool.holdout.column_names == pool.table.column_names


def test_columns_that_are_not_used_are_told() -> None:
    left = dict(pooled(people(300, 0), people(200, 1).drop_columns(["urban"])).left_out)
    assert set(left) == {"urban", "id", "country"}
    assert left["urban"] == "not in all inputs"


def test_columns_of_like_kinds_are_cast() -> None:
    other = people(200, 1)
    other = other.set_column(4, "age", other["age"].cast(pa.float32()))
    assert pooled(people(300, 0), other).table.schema.field("age").type == pa.float64()


def test_rows_are_shared_by_file(tmp_path: Path) -> None:
    pool = pooled(people(300, 0), people(200, 1), people(70, 2))
    again = Pool.load(pool.save(tmp_path), pool.schema, pool.suspect_rows)
    assert again.table.equals(pool.table)
    assert again.holdout is not None
    assert again.holdout.equals(pool.holdout)
    assert again.reference_rows == 200


def test_codes_and_shares_agree() -> None:
    pool = pooled(people(300, 0))
    assert pool.codes().shape == (300, 6)
    assert np.diag(pool.joint())[:2].sum() == pytest.approx(1)


def text_ages(table: pa.Table) -> pa.Table:
    return table.set_column(4, "age", pa.array([f"a{k % 9}" for k in range(table.num_rows)]))


@pytest.mark.parametrize(
    ("clean", "reference", "options", "kind", "message"),
    [
        (people(150, 0), None, {}, InputError,
         "a split into 75 and 75 rows is too small for a drill; each side needs 100 rows or more"),
        (people(150, 0), people(20, 1), {}, InputError,
         "a reference of 20 rows is too small for a drill; each side needs 100 rows or more"),
        (people(300, 0), text_ages(people(300, 1)), {}, InputError,
         "column 'age' is string in the reference and double in the clean data; it must be of one kind"),
        (people(300, 0), None, {"columns": ["smokr"]}, UsageError,
         "Arrow table has no column 'smokr'; did you mean 'smoker'?"),
        (people(300, 0), None, {"columns": ["smoker", "country"]}, InputError,
         "Arrow table has 1 column with levels; a drill needs 2 that vary"),
        (people(300, 0), pa.table({"z": [1] * 300}), {}, InputError,
         "Arrow table and Arrow table have no column in common; give tables of one kind"),
    ],
)  # fmt: skip
def test_what_cannot_be_pooled_is_refused(
    clean: pa.Table,
    reference: pa.Table | None,
    options: dict[str, object],
    kind: type[CredenzaError],
    message: str,
) -> None:
    with pytest.raises(kind) as error:
        pooled(clean, reference, **options)
    assert str(error.value) == message


def test_too_many_levels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.drill.pool.DENSE_PLANES", 9)
    with pytest.raises(
        InputError, match=r"^Arrow table has \d+ levels in all; a drill holds 9: choose fewer columns$"
    ):
        pooled(people(300, 0))


def test_a_profile_has_no_rows(tmp_path: Path) -> None:
    made = profile(people(300, 1))
    with pytest.raises(
        UsageError, match=r"^a drill deals out the reference's rows; found the profile '.*': give"
    ):
        open_inputs(people(300, 0), made, None)
    path = tmp_path / "made.czp"
    made.save(path)
    with pytest.raises(UsageError, match=r"made\.czp': give the data$"):
        open_inputs(people(300, 0), path, None)
