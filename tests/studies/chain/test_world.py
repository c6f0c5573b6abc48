from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from studies.chain.worlds import data_file, labelled, small

from credenza.errors import InputError
from credenza.studies.chain.world import FACE_CLASSES, split, world

SCALE = small()


def test_faces_have_their_attributes_by_class() -> None:
    found = world(SCALE, None, 0)
    assert found.classes == FACE_CLASSES
    assert len(found.every) >= SCALE.rows
    assert np.bincount(found.every.labels).min() > 0.2 * len(found.every)


def test_parts_are_disjoint_and_measuring_rows_stay() -> None:
    found = world(SCALE, None, 0)
    one, two = (split(found, SCALE, 0, number) for number in (0, 1))
    assert np.array_equal(one.judge.images, two.judge.images)
    assert np.array_equal(one.test.images, two.test.images)
    assert not np.array_equal(one.train.images, two.train.images)
    rows = [image.tobytes() for part in vars(one).values() for image in part.images]
    assert len(set(rows)) == len(rows) == SCALE.rows


def test_a_table_of_images_is_read(tmp_path: Path) -> None:
    rows = labelled(900, classes=3)
    found = world(SCALE, str(data_file(tmp_path, rows)), 0)
    assert found.classes == ("class 0", "class 1", "class 2")
    assert np.array_equal(found.every.images, rows.images)
    assert np.array_equal(found.every.labels, rows.labels)


def test_images_that_do_not_do_are_one_line(tmp_path: Path) -> None:
    few = data_file(tmp_path, labelled(100))
    with pytest.raises(InputError, match=r"images.parquet has 100 images; this scale takes 840 or more$"):
        world(SCALE, str(few), 0)
    one = data_file(tmp_path, labelled(101, classes=1))
    with pytest.raises(InputError, match=r"has one class, 'class 0'; a trigger needs two or more$"):
        world(replace(SCALE, size=8), str(one), 0)
    for name, table, what in (
        (
            "bare",
            pa.table({"image": [b""]}),
            "has no column 'label' of classes; give a folder of class folders, or one",
        ),
        (
            "blank",
            pa.table({"label": ["a"]}),
            "has no column of images; give a folder of class folders, or one",
        ),
    ):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(table, path)
        with pytest.raises(InputError, match=what):
            world(SCALE, str(path), 0)
