from __future__ import annotations

import sys
from pathlib import Path

import pytest

from credenza.errors import CredenzaError, InputError, MissingExtraError
from credenza.synthetic import TemplateGenerator
from credenza.synthetic.template_file import read_templates

pytest.importorskip("yaml", reason="templates in files need PyYAML")

GOOD = """
templates:
  - {id: query, text: "SELECT {column} FROM {table}", label: benign, weight: 2}
  - id: login
    text: "{who} at {when}"
    label: malicious
    variables: {when: [2024-01-01, 12:30, no, 007]}
variables:
  column: [id, name]
  table: {users: 3, orders: 1}
  who: ["{column}", ~x, 'a: b']
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.yaml"


def test_values_stay_as_they_are_written(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")
    found = read_templates(path)
    assert [template.id for template in found.templates] == ["query", "login"]
    assert found.templates[0].weight == 2.0
    assert found.templates[1].variables == {"when": ["2024-01-01", "12:30", "no", "007"]}
    assert found.variables == {
        "column": ["id", "name"],
        "table": {"users": 3.0, "orders": 1.0},
        "who": ["{column}", "~x", "a: b"],
    }
    assert set(found.about) == {"templates", "templates_sha256"}
    made = TemplateGenerator.load(path)
    assert made.size == 16
    assert "{column} at no" in made.every().data["text"].to_pylist()
    assert made.sample(3, seed=0).settings["templates_sha256"] == found.about["templates_sha256"]


@pytest.mark.parametrize(
    ("labels", "read"),
    [("1 0", [1, 0]), ("true false", [True, False]), ("1 spam", ["1", "spam"]), ("yes no", ["yes", "no"])],
)
def test_labels_are_numbers_or_truth_values_only_where_all_are(
    labels: str, read: list[object], path: Path
) -> None:
    first, second = labels.split()
    path.write_text(f"templates: [{{id: a, text: x, label: {first}}}, {{id: b, text: y, label: {second}}}]")
    assert TemplateGenerator.load(path).every().data["label"].to_pylist() == read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.yaml is empty; give a mapping with the key templates"),
        ("- a", "t.yaml, line 1: the file is a mapping of keys to values; found a list"),
        ("templates: {}", "t.yaml, line 1: templates is a list; found a mapping"),
        ("templates: []", "t.yaml: no templates; give one or more"),
        ("variables: {}", "t.yaml, line 1: the file has no 'templates'; give one"),
        (
            "templats: []",
            "t.yaml, line 1: the file has the key 'templats', which means nothing; did you mean 'templates'?",
        ),
        (
            "zzz: []",
            "t.yaml, line 1: the file has the key 'zzz', which means nothing; the keys are templates, variables",
        ),
        ("templates:\n- {id: a}", "t.yaml, line 2: a template has no 'text'; give one"),
        (
            "templates:\n- {id: a, text: [x]}",
            "t.yaml, line 2: the text of template 'a' is one text; found a list",
        ),
        (
            "templates:\n- {id: a, text: }",
            "t.yaml, line 2: the text of template 'a' is missing; write '' for an empty text",
        ),
        (
            "templates:\n- {id: a, text: x, weight: much}",
            "t.yaml, line 2: the weight of template 'a' is a number above 0; found 'much'",
        ),
        (
            "templates:\n- {id: a, text: x, weight: -1}",
            "t.yaml: template 'a' has the weight -1.0; a weight is a number above 0",
        ),
        (
            "templates:\n- {id: a, id: b, text: x}",
            "t.yaml, line 2: a template has the key 'id' twice; keep one",
        ),
        (
            "templates:\n- {id: a, text: '{u}'}",
            "t.yaml: template 'a' has no values for {u}; the variable sets are: none",
        ),
        (
            "templates:\n- {id: a, text: '{u.x}'}",
            "t.yaml: template 'a' has the field '{u.x}'; a field is a plain name such as {user_id}, "
            "without attributes, indices or formats",
        ),
        (
            "templates: [{id: a, text: x}]\nvariables:\n  u: []",
            "t.yaml, line 3: variable set 'u' is empty; give one value or more",
        ),
        (
            "templates: [{id: a, text: x}]\nvariables:\n  u:",
            "t.yaml, line 3: variable set 'u' is empty; give one value or more",
        ),
        (
            "templates: [{id: a, text: x}]\nvariables:\n  u: one",
            "t.yaml, line 3: variable set 'u' is a list of values, or values with weights; found one text",
        ),
        (
            "templates: [{id: a, text: x}]\nvariables:\n  u: [a, [b]]",
            "t.yaml, line 3: a value of variable set 'u' is one text; found a list",
        ),
        (
            "templates: [{id: a, text: x}]\nvariables:\n  u: [a,\n   ~]",
            "t.yaml, line 4: a value of variable set 'u' is missing; write '' for an empty text",
        ),
        (
            "templates: [\n",
            "t.yaml is not YAML: expected the node content, but found '<stream end>' in line 2; correct it there",
        ),
        ("a: *b", "t.yaml is not YAML: found undefined alias 'b' in line 1; correct it there"),
        ("[" * 500, "t.yaml is nested too deeply; templates need four levels"),
        ("templates: &a [*a]", "t.yaml, line 1: a template is a mapping of keys to values; found a list"),
    ],
)
def test_what_is_no_file_of_templates(
    text: str, message: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        TemplateGenerator.load("t.yaml")
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "line", "tag"),
    [
        ("templates: !!python/object/apply:os.system ['touch x']", 1, "!!python/object/apply:os.system"),
        ("templates:\n- !!python/object:subprocess.Popen {args: x}", 2, "!!python/object:subprocess.Popen"),
        ("templates: [{id: a, text: !!python/name:os.system x}]", 1, "!!python/name:os.system"),
        ("templates: [{id: a, text: x}]\nvariables: {u: [!own x]}", 2, "!own"),
        ("templates: [{id: a, text: !!binary aGk=}]", 1, "!!binary"),
    ],
)
def test_nothing_is_constructed(
    text: str, line: int, tag: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        TemplateGenerator.load("t.yaml")
    assert str(error.value) == (
        f"t.yaml, line {line}: the tag {tag} would construct an object; give plain text, numbers and lists"
    )
    assert list(path.parent.iterdir()) == [path]


def test_aliases_that_multiply_are_not_followed(path: Path) -> None:
    lines = ["templates: [{id: a, text: '{l0}'}]", "variables:", "  l0: &l0 [x]"]
    lines += [f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30)]
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match="a value of variable set 'l1' is one text; found a list"):
        TemplateGenerator.load(path)


def test_bytes_and_absent_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InputError) as error:
        read_templates("t.yaml")
    assert str(error.value) == "t.yaml is not UTF-8 (byte 3); save it as UTF-8"
    with pytest.raises(InputError) as error:
        read_templates("none.yaml")
    assert str(error.value) == (
        "no file none.yaml; give a YAML file of templates, or the name of a set: sql-injection"
    )


def test_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError) as error:
        read_templates("sql-injection")
    assert str(error.value) == (
        "templates are read with PyYAML, which is not installed: pip install 'credenza[synth]'"
    )
    assert isinstance(error.value, CredenzaError)


def test_the_set_that_comes_along_is_balanced_varied_and_not_told_apart_by_one_mark() -> None:
    made = TemplateGenerator.load("sql-injection")
    assert made.size > 10**7
    assert made.notes == ()
    data = made.sample(2_000, seed=0).data
    texts, bad = data["text"].to_pylist(), [label == "malicious" for label in data["label"].to_pylist()]
    assert 0.48 < sum(bad) / len(bad) < 0.52
    assert len(set(data["template_id"].to_pylist())) >= 30
    for mark in ("'", "--", "OR", "UNION", "union", "select", "drop", ";", "/*", "=", "SELECT"):
        assert any(mark in text and not guilty for text, guilty in zip(texts, bad, strict=True)), mark
        right = sum((mark in text) == guilty for text, guilty in zip(texts, bad, strict=True))
        assert right / len(texts) < 0.8, mark
