"""Imports between rooms run one way; optional libraries are imported late; the package is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import credenza

PACKAGE = Path(__file__).parent.parent / "src" / "credenza"

# Each room may import from rooms of its own or an earlier line.
ORDER = (
    ("_version", "errors"),
    ("contracts",),
    ("data",),
    ("association",),
    ("engines",),
    ("models",),
    ("checks", "attacks", "repair", "synthetic", "provenance"),
    ("report", "studies"),
    ("demo", "drill"),
    ("cli", "__main__"),
)
LINE = {room: number for number, rooms in enumerate(ORDER) for room in rooms}
FORBIDDEN = {("attacks", "checks")}
OPTIONAL = frozenset(
    {
        "pandas",
        "polars",
        "sklearn",
        "torch",
        "pyspark",
        "py4j",
        "plotly",
        "cleanlab",
        "diffusers",
        "safetensors",
        "opacus",
        "PIL",
    }
)
TORCH = ("torch", "diffusers", "safetensors")
TORCH_ROOMS = ("credenza.models.", "credenza.attacks.clean_label")
HEAVY = (
    "torch",
    "diffusers",
    "pyspark",
    "plotly",
    "sklearn",
    "pandas",
    "polars",
    "numba",
    "pyarrow",
    "duckdb",
    "scipy",
)


def modules() -> dict[str, str]:
    """Source text by dotted name, of every module of the package but its front page."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(("credenza", *parts))
        if name != "credenza.__init__":
            found[name] = path.read_text(encoding="utf-8")
    return found


def room_of(module: str) -> str:
    return module.split(".")[1]


def imported(module: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Dotted names that ``nodes`` import, relative imports resolved; ``from a import b`` gives ``a.b``."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module.split(".")[: -node.level]) if node.level else ""
            start = ".".join(part for part in (base, node.module) if part)
            yield from (f"{start}.{alias.name}" for alias in node.names)


def order_violations(sources: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    for module, source in sources.items():
        room = room_of(module)
        if room not in LINE:
            found.append(f"{module}: room {room!r} has no place in the order")
            continue
        for name in imported(module, ast.walk(ast.parse(source, module))):
            if name.split(".")[0] != "credenza" or name == "credenza.__version__":
                continue
            target = room_of(name) if "." in name else ""
            if target not in LINE:
                found.append(
                    f"{module}: imports {name} from the front page; import it from where it is defined"
                )
            elif LINE[target] > LINE[room] or (room, target) in FORBIDDEN:
                found.append(f"{module}: {room} must not import {target} ({name})")
            elif target != room:
                seen.add((room, target))
    found += [f"{a} and {b} import each other" for a, b in sorted(seen) if a < b and (b, a) in seen]
    return found


def run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: no function bodies, no ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from run_on_import(child)


def optional_violations(sources: Mapping[str, str]) -> list[str]:
    found = []
    for module, source in sources.items():
        for name in imported(module, run_on_import(ast.parse(source, module))):
            library = name.split(".")[0]
            allowed = library in TORCH and module.startswith(TORCH_ROOMS)
            if library in OPTIONAL and not allowed:
                found.append(f"{module}: imports {library} at module top")
    return found


def loaded_by(statement: str) -> set[str]:
    """Which of HEAVY a fresh interpreter has loaded after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*(sys.modules.keys() & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_rooms_import_one_way() -> None:
    sources = modules()
    assert len(sources) > 5
    assert order_violations(sources) == []


def test_optional_libraries_are_imported_where_they_are_used() -> None:
    assert optional_violations(modules()) == []


@pytest.mark.parametrize(
    ("module", "source", "message"),
    [
        ("credenza.data.x", "from credenza.association import counts", "data must not import association"),
        ("credenza.data.x", "import credenza.cli.main", "data must not import cli"),
        ("credenza.data.x", "from ..report import Audit", "data must not import report"),
        (
            "credenza.data.x",
            "def f():\n    from credenza.checks import REGISTRY",
            "data must not import checks",
        ),
        ("credenza.attacks.x", "from credenza.checks import REGISTRY", "attacks must not import checks"),
        ("credenza.demo.x", "import credenza.cli", "demo must not import cli"),
        ("credenza.errors", "from credenza.contracts import Status", "errors must not import contracts"),
        ("credenza.cli.x", "from credenza import audit", "from the front page"),
        ("credenza.cli.x", "import credenza", "from the front page"),
        ("credenza.attic.x", "", "room 'attic' has no place"),
    ],
)
def test_the_order_can_fail(module: str, source: str, message: str) -> None:
    (found,) = order_violations({module: source})
    assert message in found


def test_mutual_imports_are_found() -> None:
    sources = {"credenza.checks.a": "import credenza.repair", "credenza.repair.a": "import credenza.checks"}
    assert order_violations(sources) == ["checks and repair import each other"]


def test_allowed_imports_pass() -> None:
    sources = {
        "credenza.cli.a": "from credenza import __version__\nfrom credenza.report import audit\nimport json",
        "credenza.demo.a": "from credenza.attacks import AssociativePoisoning\nfrom .sub import b",
        "credenza.checks.a": "from . import base\nfrom .base import Check",
    }
    assert order_violations(sources) == []


@pytest.mark.parametrize("library", sorted(OPTIONAL))
def test_an_optional_library_at_module_top_is_found(library: str) -> None:
    assert optional_violations(
        {"credenza.data.x": f"try:\n    import {library}\nexcept ImportError:\n    raise"}
    )
    assert not optional_violations({"credenza.data.x": f"def f():\n    import {library}.sub"})
    assert not optional_violations({"credenza.data.x": f"if TYPE_CHECKING:\n    from {library} import x"})


def test_torch_has_two_homes() -> None:
    assert not optional_violations(
        {"credenza.models.ddpm": "import torch", "credenza.attacks.clean_label": "import torch"}
    )


def test_importing_the_package_is_light() -> None:
    assert loaded_by("import credenza") == set()


def test_engines_load_their_libraries_when_they_are_used() -> None:
    choose = (
        "from credenza.engines import get_engine; [get_engine(name, 'folder') for name in ('spark', 'cuda')]"
    )
    assert not loaded_by(choose) & {"torch", "pyspark", "pandas", "polars", "sklearn", "plotly"}


@pytest.mark.parametrize("library", ["pyarrow", "scipy"])
def test_a_heavy_import_is_seen(library: str) -> None:
    assert library in loaded_by(f"import credenza, {library}")


def test_public_names_are_sorted_and_load_lazily() -> None:
    assert credenza.__all__ == sorted(credenza.__all__)
    assert set(credenza.__all__) <= set(dir(credenza))
    for name in credenza.__all__:
        assert getattr(credenza, name) is not None


def test_an_unknown_public_name_is_one_line() -> None:
    with pytest.raises(
        AttributeError, match=r"^module 'credenza' has no attribute 'Taster'; its names are Assoc.*validate$"
    ):
        _ = credenza.Taster
