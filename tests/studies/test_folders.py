"""CelebA and Recipe1M: tiny folders of the real layouts, and one line for each that is not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from credenza.errors import CredenzaError, InputError, MissingExtraError, UsageError
from credenza.studies import folders_recipes
from credenza.studies.folders import celeba
from credenza.studies.folders_recipes import recipe1m

NAMES = [f"{i:06d}.jpg" for i in range(1, 6)]
ATTRIBUTES = ["Bangs", "Smiling", "Wearing_Hat"]
VALUES = np.array([[-1, 1, -1], [1, 1, -1], [-1, -1, -1], [1, -1, -1], [-1, 1, -1]])


def write_photographs(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        pixels = np.full((218, 178, 3), 40 * number, np.uint8)
        pixels[:20] = 255  # above the centre square
        pixels[20:109, :89] = 200
        Image.fromarray(pixels).save(folder / name, quality=95)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """As the authors' text files, all in one folder."""
    write_photographs(tmp_path / "img_align_celeba")
    lines = [
        f"{name} " + " ".join(f"{value:2d}" for value in row) for name, row in zip(NAMES, VALUES, strict=True)
    ]
    tmp_path.joinpath("list_attr_celeba.txt").write_text("\n".join(["5", " ".join(ATTRIBUTES), *lines, ""]))
    parts = [f"{name} {part}" for name, part in zip(NAMES, [0, 0, 0, 1, 2], strict=True)]
    tmp_path.joinpath("list_eval_partition.txt").write_text("\n".join(parts))
    return tmp_path


def test_celeba_is_read_from_text(faces: Path) -> None:
    images, table = celeba(faces, size=16)
    assert images.shape == (5, 16, 16, 3)
    assert table["image_id"].to_pylist() == NAMES
    assert table["partition"].to_pylist() == ["train"] * 3 + ["valid", "test"]
    np.testing.assert_array_equal(np.stack([table[name] for name in ATTRIBUTES], axis=1), VALUES > 0)
    assert abs(images[:, :7, :7].astype(int) - 200).max() < 12  # the upper left quarter of the centre square
    for number in range(5):
        assert abs(images[number, 9:].astype(int) - 40 * number).max() < 12


def test_celeba_is_read_from_commas_and_nested_folders(faces: Path) -> None:
    expected = celeba(faces, size=16)
    other = faces / "other"
    (faces / "img_align_celeba").rename(faces / "inner")
    (other / "img_align_celeba").mkdir(parents=True)
    (faces / "inner").rename(other / "img_align_celeba" / "img_align_celeba")
    (other / "Anno").mkdir()
    rows = [",".join([name, *map(str, row)]) for name, row in zip(NAMES, VALUES, strict=True)]
    (other / "Anno" / "list_attr_celeba.csv").write_text(
        "\n".join([",".join(["image_id", *ATTRIBUTES]), *rows])
    )
    parts = [f"{name},{part}" for name, part in zip(NAMES, [0, 0, 0, 1, 2], strict=True)]
    (other / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *parts]))
    images, table = celeba(other, size=16)
    np.testing.assert_array_equal(images, expected[0])
    assert table.equals(expected[1])


def test_a_part_of_celeba(faces: Path) -> None:
    images, table = celeba(
        faces, size=8, attributes=["Smiling", "Bangs"], partition="train", limit=2 + 1, crop=120
    )
    assert table.column_names == ["image_id", "partition", "Smiling", "Bangs"]
    assert table["image_id"].to_pylist() == NAMES[:3]
    assert len(images) == 3
    (faces / "list_eval_partition.txt").unlink()
    assert celeba(faces, size=8, limit=2)[1].column_names == ["image_id", *ATTRIBUTES]


def test_grey_photographs_have_three_channels(faces: Path) -> None:
    Image.new("L", (178, 218), 90).save(faces / "img_align_celeba" / NAMES[0])
    assert np.unique(celeba(faces, size=8, limit=1)[0]).tolist() == [90]


def rewrite(name: str, change: Callable[[str], str]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(change((folder / name).read_text()))


def drop(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


LIST, PARTS = "list_attr_celeba.txt", "list_eval_partition.txt"
WRONG_FACES: list[tuple[Callable[[Path], object], dict[str, Any], str]] = [
    (drop(LIST), {}, r"has no list_attr_celeba.txt or .csv, so its images have no attributes; give the folder that"),
    (rewrite(LIST, lambda t: t.replace("5\n", "6\n", 1)), {}, "says that it lists 6 and lists 5 images; it may be cut"),
    (rewrite(LIST, lambda t: t[:28]), {}, "list_attr_celeba.txt lists no images; it may be cut short, get it again"),
    (rewrite(LIST, lambda t: t.replace("jpg -1", "jpg", 1)), {}, "line 3: found '000001.jpg 1 -1'; expected "
     "the name of an image and 3 whole numbers"),
    (rewrite(LIST, lambda t: t.replace("jpg -1", "jpg  0", 1)), {}, "Bangs of 000001.jpg is 0; attributes are -1 or 1"),
    (lambda f: (f / LIST).write_bytes(b"\xff"), {}, r"cannot be read as text \(UnicodeDecodeError\); get it again"),
    (lambda f: (f / LIST).write_text("1\n\n000001.jpg"), {}, "names no columns on its line 2; get it again"),
    (lambda f: None, {"attributes": ["Smilling"]}, "'Smilling' is not an attribute of list_attr_celeba.txt; "
     "did you mean 'Smiling'?"),
    (lambda f: None, {"attributes": ["Bangs", "Wearing_Hat"]}, "'Wearing_Hat' is false in all 5 images; "
     "choose one that takes both values, or more images"),
    (lambda f: None, {"partition": "val"}, "partition 'val' does not exist; there are train, valid, test"),
    (drop(PARTS), {"partition": "test"}, "no list_eval_partition.txt, which says what 'test' is; add it, or take all"),
    (rewrite(PARTS, lambda t: t.replace(" 2", " 3")), {}, "puts 000005.jpg into no partition; it must say 0, 1 or 2"),
    (rewrite(PARTS, lambda t: t.replace("000002", "000009")), {}, "puts 000002.jpg into no partition"),
    (rewrite(PARTS, lambda t: t.replace(" 1", " x")), {}, "the name of an image and 1 whole number$"),
    (lambda f: (f / "img_align_celeba").rename(f / "photos"), {}, "has no folder img_align_celeba; "
     "unpack img_align_celeba.zip there"),
    (drop("img_align_celeba/000003.jpg"), {}, "000003.jpg is listed in list_attr_celeba.txt and missing from"),
    (lambda f: (f / "img_align_celeba" / NAMES[1]).write_bytes(b"none"), {}, "'000002.jpg' is not an image"),
    (lambda f: Image.new("RGB", (90, 200)).save(f / "img_align_celeba" / NAMES[4]), {}, "000005.jpg has 90 x 200 "
     "pixels; a centre square of 178 needs more, crop less"),
    (lambda f: [drop(f"img_align_celeba/{NAMES[0]}")(f), (f / "img_align_celeba" / NAMES[0]).mkdir()], {}, "000001.jpg "
     "cannot be read"),
    (lambda f: None, {"size": 4}, "size is 4; images have at least 8 pixels along each side"),
    (lambda f: None, {"crop": 0}, "crop is 0; give the side of a square in pixels, such as 178"),
    (lambda f: None, {"limit": 0}, "limit is 0; give at least 1, or none for all images"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "options", "message"), WRONG_FACES)
def test_what_is_no_celeba_is_said_in_one_line(
    faces: Path, spoil: Callable[[Path], object], options: dict[str, Any], message: str
) -> None:
    spoil(faces)
    with pytest.raises(CredenzaError, match=message) as caught:
        celeba(faces, **({"size": 8} | options))
    assert "\n" not in str(caught.value)


def test_a_folder_must_exist(faces: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not there; give the folder of the data set"):
        celeba(faces / "nowhere")
    with pytest.raises(InputError, match=r"list_attr_celeba.txt is a file; give the folder of the data set"):
        celeba(faces / LIST)


def test_photographs_need_pillow(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'credenza\[images\]'"):
        celeba(faces, size=8)


RECIPES = [
    ("00a1", "train", ["Olive  Oil", "eggs", "salt"], ["0123.jpg", "4567.jpg"]),
    ("00b2", "val", ["salt", "eggs", "salt"], []),
    ("00c3", "train", ["butter", "salt"], ["89ab.jpg"]),
    ("00d4", "test", ["olive oil"], []),
]


def recognised() -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "valid": [*[True] * len(used), False],
            "ingredients": [{"text": t} for t in [*used, "a pinch"]],
        }
        for name, _, used, _ in RECIPES
    ]


def layer1() -> list[dict[str, Any]]:
    return [
        {"ingredients": [{"text": f"1 {text}, [\"{{"} for text in used], "url": "http://x/é", "partition": part,
         "title": "t", "id": name, "instructions": [{"text": "Stir, ]}"}]}
        for name, part, used, _ in reversed(RECIPES)
    ]  # fmt: skip


def layer2() -> list[dict[str, Any]]:
    found = [
        {"id": n, "images": [{"id": i, "url": "u"} for i in images]} for n, _, _, images in RECIPES if images
    ]
    return [*found, {"id": "00ff", "images": []}]


def write(folder: Path, name: str, value: Any, **how: Any) -> None:
    (folder / name).write_text(json.dumps(value, **how), encoding="utf-8")


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    write(tmp_path, "det_ingrs.json", recognised())
    write(tmp_path, "layer1.json", layer1(), ensure_ascii=False)
    write(tmp_path, "layer2.json", layer2(), indent=4)
    return tmp_path


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
def test_recipes_are_read_in_blocks_of_any_size(
    recipes: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders_recipes, "_BLOCK", block)
    paths, table = recipe1m(recipes)
    assert table.column_names == ["recipe_id", "partition", "salt", "eggs", "olive_oil", "butter"]
    assert table["recipe_id"].to_pylist() == [recipe[0] for recipe in RECIPES]
    assert table["partition"].to_pylist() == [recipe[1] for recipe in RECIPES]
    assert table["salt"].to_pylist() == [True, True, True, False]
    assert table["olive_oil"].to_pylist() == [True, False, False, True]
    assert paths == [
        ("train/0/1/2/3/0123.jpg", "train/4/5/6/7/4567.jpg"),
        (),
        ("train/8/9/a/b/89ab.jpg",),
        (),
    ]


def test_a_part_of_the_recipes_and_ingredients(recipes: Path) -> None:
    (recipes / "images").mkdir()
    paths, table = recipe1m(recipes, ingredients=["butter", "eggs"], partition="train")
    assert table.column_names == ["recipe_id", "partition", "butter", "eggs"]
    assert table["butter"].to_pylist() == [False, True]
    assert paths[1] == ("images/train/8/9/a/b/89ab.jpg",)
    (recipes / "layer2.json").unlink()
    paths, table = recipe1m(recipes, ingredients=1)
    assert table.column_names[2:] == ["salt"]
    assert paths == [()] * 4
    assert "butter" not in recipe1m(recipes, partition="val")[1].column_names


def spoilt(make: Callable[[], list[dict[str, Any]]], number: int, key: str, value: Any) -> Any:
    items = make()
    items[number][key] = value
    return items


def put(name: str, value: Any) -> Callable[[Path], object]:
    return lambda folder: write(folder, name, value)


DETECTED = "det_ingrs.json"
WRONG_RECIPES: list[tuple[Callable[[Path], object], dict[str, Any], str]] = [
    (drop("layer1.json"), {}, "has no layer1.json; give the folder of Recipe1M, which holds layer1.json and det_ingrs"),
    (drop(DETECTED), {}, "has no det_ingrs.json; give the folder of Recipe1M"),
    (rewrite(DETECTED, lambda t: t[:-9]), {}, "det_ingrs.json breaks off or is no JSON after 3 recipes; get it again"),
    (rewrite(DETECTED, lambda t: t.replace("]}, {", "]} {")), {}, "breaks off or is no JSON after 1 recipes"),
    (lambda f: (f / DETECTED).write_bytes(b'["\xff"]'), {}, "det_ingrs.json is not UTF-8 text; get it again"),
    (put(DETECTED, {}), {}, "det_ingrs.json is not a JSON array of recipes; get it again"),
    (put(DETECTED, []), {}, "det_ingrs.json lists no recipes; it may be cut short, get it again"),
    (put(DETECTED, [1, 22]), {}, "recipe 1 has no list of 'ingredients'; this is not the layout of Recipe1M"),
    (put(DETECTED, spoilt(recognised, 2, "id", 7)), {}, "recipe 3 has no 'id' that is a text; this is not the layout"),
    (put(DETECTED, spoilt(recognised, 1, "valid", [True])), {}, "recipe 2 has 4 ingredients and 1 marks of being"),
    (put("layer1.json", spoilt(layer1, 0, "partition", "dev")), {}, "in partition 'dev'; there are train, val, test"),
    (put("layer1.json", layer1()[1:]), {}, "recipe 00d4 of det_ingrs.json is not in layer1.json; both must be of one"),
    (put("layer2.json", spoilt(layer2, 0, "images", None)), {}, "layer2.json: recipe 1 has no list of 'images'"),
    (lambda f: None, {"ingredients": ["olive_oill"]}, "'olive_oill' is not an ingredient of the recipes; did you mean "
     "'olive_oil'?"),
    (lambda f: None, {"ingredients": ["olive_oil"], "partition": "test"}, "'olive_oil' is true in all 1 recipes"),
    (lambda f: None, {"ingredients": 0}, "0 ingredients were asked for; ask for at least 1"),
    (lambda f: None, {"partition": "valid"}, "partition 'valid' does not exist; there are train, val, test"),
    (lambda f: [put(DETECTED, recognised()[:1])(f), put("layer1.json", layer1())(f)], {"partition": "val"}, "is in "
     "partition 'val'; choose another, or all"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "options", "message"), WRONG_RECIPES)
def test_what_is_no_recipe1m_is_said_in_one_line(
    recipes: Path, spoil: Callable[[Path], object], options: dict[str, Any], message: str
) -> None:
    spoil(recipes)
    with pytest.raises((InputError, UsageError), match=message) as caught:
        recipe1m(recipes, **options)
    assert "\n" not in str(caught.value)


def test_of_many_ingredients_the_frequent_ones_are_near_misses(recipes: Path) -> None:
    many = recognised()
    many[0]["ingredients"] += [{"text": f"rare thing {i}"} for i in range(600)]
    many[0]["valid"] += [True] * 600
    write(recipes, DETECTED, many)
    assert recipe1m(recipes, ingredients=["rare_thing_599"])[1]["rare_thing_599"].to_pylist() == [
        True,
        *[False] * 3,
    ]
    with pytest.raises(
        InputError, match=r"'salty' is not an ingredient of the recipes; did you mean 'salt'?"
    ):
        recipe1m(recipes, ingredients=["salty"])
