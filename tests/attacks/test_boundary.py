"""Rows near the decision boundary: the matrix they are seen as, the folds, the margins."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from credenza.attacks.boundary import cross_fitted_margins, spread
from credenza.attacks.content import content_matrix, embedding_matrix
from credenza.data import open_source
from credenza.errors import InputError, MissingExtraError

needs_ml = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None,
    reason="scikit-learn is not installed: pip install 'credenza[ml]'",
)
WORDS = ["a sunny day", "rain and rain", "snow at last", "no wind today"]


def matrix_of(**columns: object) -> np.ndarray:
    matrix = content_matrix(open_source(pa.table({"label": [0, 1] * 60, **columns})), ["label"]).matrix
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def reasons(**columns: object) -> dict[str, str]:
    table = pa.table({"label": [0, 1] * 60, "x": range(120), **columns})
    return content_matrix(open_source(table), ["label"]).left_out


@given(st.lists(st.integers(0, 3), min_size=1, max_size=50), st.integers(2, 6), st.integers(0, 5))
def test_every_class_is_spread_evenly(codes: list[int], folds: int, seed: int) -> None:
    labels = np.array(codes)
    part = spread(labels, folds, seed)
    for code in np.unique(labels):
        sizes = np.bincount(part[labels == code], minlength=folds)
        assert sizes.max() - sizes.min() <= 1


@needs_ml
def test_the_smallest_margins_are_at_the_boundary() -> None:
    x = np.linspace(-3, 3, 400)
    codes = (x > 0).astype(np.int64)
    found = cross_fitted_margins(x[:, None], codes, seed=0)
    nearest = np.argsort(np.abs(found.margin))[:20]
    assert np.abs(x[nearest]).max() < 0.5
    assert (found.runner_up == 1 - codes).all()
    assert found.converged


@needs_ml
def test_a_row_does_not_vouch_for_its_own_label() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 300)
    found = cross_fitted_margins(rng.normal(size=(300, 200)), codes, seed=1)
    assert abs(np.mean(found.margin > 0) - 0.5) < 0.1  # fitted on all rows it would be 1


@needs_ml
def test_a_label_that_a_fold_has_not_met_has_probability_zero() -> None:
    x = np.concatenate([np.full(10, -1.0), np.full(10, 1.0), [5.0]])
    codes = np.repeat([0, 1, 2], [10, 10, 1])
    found = cross_fitted_margins(x[:, None], codes, seed=0)
    assert found.margin[-1] < -0.5
    assert found.runner_up[-1] == 1
    alone = cross_fitted_margins(np.array([[0.0], [1.0]]), np.array([0, 1]), seed=0)
    assert alone.margin.tolist() == [-1.0, -1.0]


@needs_ml
@settings(max_examples=15, deadline=None)
@given(st.integers(3, 40), st.integers(2, 4), st.integers(0, 99))
def test_margins_are_within_bounds(rows: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.append(np.arange(2), rng.integers(0, classes, rows))
    found = cross_fitted_margins(rng.normal(size=(rows + 2, 3)), codes, seed=seed)
    assert ((found.margin >= -1) & (found.margin <= 1)).all()
    assert (found.runner_up != codes).all()


def test_numbers_are_standardised_and_gaps_become_the_mean() -> None:
    x = [float(i) for i in range(118)] + [None, float("inf")]
    column = matrix_of(x=x)[:, 0]
    assert column[118:].tolist() == [0.0, 0.0]
    assert column[:118].mean() == pytest.approx(0, abs=1e-12)
    assert column[:118].std() == pytest.approx(1)


def test_categories_become_columns_of_the_most_frequent() -> None:
    values = ["often"] * 60 + [f"v{i % 55}" for i in range(60)]
    assert matrix_of(kind=pa.array(values).dictionary_encode()).sum(axis=0).max() == 60
    many = [f"v{min(i, 239 - i)}" for i in range(240)]
    table = pa.table({"label": [0, 1] * 120, "kind": many})
    assert content_matrix(open_source(table), ["label"]).matrix.shape == (240, 100)


def test_lists_become_columns() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(120, 3))
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 3)
    assert np.allclose(matrix_of(vector=flat), (vectors - vectors.mean(0)) / vectors.std(0))


@needs_ml
def test_text_becomes_weights_of_words() -> None:
    texts = [f"{WORDS[i % 4]} number {i}" for i in range(119)] + [None]
    matrix = matrix_of(text=texts)
    assert matrix.shape[1] > 100
    assert matrix[119].tolist() == [0.0] * matrix.shape[1]


def test_what_is_left_out_is_said() -> None:
    found = reasons(
        file=[f"f{i}.png" for i in range(120)],
        same=[1] * 120,
        word=["w"] * 120,
        ragged=[[1.0], [1.0, 2.0]] * 60,
        boxes=[{"a": 1}] * 120,
        names=[["a"]] * 120,
    )
    assert found == {
        "file": "it names rows: 120 distinct values",
        "same": "it never varies",
        "word": "it never varies",
        "ragged": "its lists are of different lengths or missing",
        "boxes": "it holds struct<a: int64>",
        "names": "it holds list<item: string>",
    } or found["names"].startswith("it holds list<")


def test_nothing_to_go_by() -> None:
    with pytest.raises(InputError) as caught:
        matrix_of()
    start = "no column tells rows of different labels apart"
    assert str(caught.value) == f"{start} (there is no other); give embeddings"
    with pytest.raises(InputError) as caught:
        matrix_of(same=[1] * 120)
    assert str(caught.value) == f"{start} ('same': it never varies); give embeddings"


def test_embeddings_come_from_arrays_files_and_tables(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "e.npy", values)
    pq.write_table(pa.table({"a": values[:, 0], "b": values[:, 1:].tolist()}), tmp_path / "e.parquet")
    plain = embedding_matrix(values, 4)
    for other in (values.tolist(), tmp_path / "e.npy", str(tmp_path / "e.npy"), tmp_path / "e.parquet"):
        assert np.array_equal(embedding_matrix(other, 4), plain)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (
            np.zeros(4),
            "embeddings are a table of numbers, one row for each row; found an array of shape (4,)",
        ),
        (
            np.zeros((3, 2)),
            "the embeddings have 3 rows and the data has 4; "
            "give one row of embeddings for each row, in the same order",
        ),
        (
            [[1.0], [np.nan], [np.inf], [0.0]],
            "the embeddings of 2 rows hold a value that is missing or infinite; fill them in",
        ),
        ([["a"]] * 4, "embeddings are numbers, as many in each row; found other values"),
        (
            pa.table({"name": ["a"] * 4}),
            "column 'name' of the embeddings cannot be used: it holds string; give numbers only",
        ),
    ],
)
def test_wrong_embeddings(embeddings: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        embedding_matrix(embeddings, 4)
    assert str(caught.value) == message


def test_wrong_files_of_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for name, message in (
        ("o.npy", "'o.npy' is damaged or holds objects; give a .npy file of numbers"),
        ("absent.npy", "there is no file 'absent.npy' of embeddings; check the path"),
    ):
        with pytest.raises(InputError) as caught:
            embedding_matrix(name, 1)
        assert str(caught.value) == message


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("credenza.attacks.content.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        cross_fitted_margins(np.zeros((2, 1)), np.array([0, 1]), seed=0)
    needs = "finding the rows nearest to the decision boundary needs scikit-learn, which is not installed"
    assert str(caught.value) == f"{needs}: pip install 'credenza[ml]'"


@pytest.mark.skipif(importlib.util.find_spec("PIL") is None, reason="Pillow is not installed")
def test_pictures_become_grey_tiles() -> None:
    from PIL import Image

    def encoded(value: int, side: int) -> bytes:
        file = io.BytesIO()
        pixels = np.full((side, side, 3), value, np.uint8)
        pixels[: side // 2] = 0
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    pictures = [encoded(10 + i, 8 + 8 * (i % 3)) for i in range(120)]
    matrix = matrix_of(image=pictures)
    assert matrix.shape == (120, 256)
    top, bottom = matrix.reshape(120, 16, 16)[:, :8], matrix.reshape(120, 16, 16)[:, 8:]
    assert (top == 0).all()
    assert (np.diff(bottom[:, 0, 0]) > 0).all()
    assert reasons(image=[b"x"] * 120)["image"].startswith("its bytes are no pictures (")
