"""Layers: imports go downwards only, and some libraries stay in one package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "locator"

# Package to layer; a package is a file or a folder of locator/ (docs/architecture.md).
LAYERS = {
    "errors": 0, "paths": 0, "settings": 0, "schema": 0, "datum": 0, "hours": 0, "hours_words": 0,
    "hours_rules": 0, "theme": 0, "lent": 0, "notebook": 0, "admission": 0, "files": 0,
    "register": 1,
    "store": 2,
    "travel": 3,
    "places": 4, "nearest": 4, "coverage": 4, "hotzones": 4, "siting": 4,
    "service": 5, "network": 5, "intake": 5, "phone": 5, "answer": 5, "features": 5,
    "exports": 5, "published": 5, "jobs": 5,
    "maps": 5, "figures": 5, "reporting": 5, "study": 5, "planner": 5, "showing": 5,
    "web": 6, "cli": 6, "__main__": 6,
}  # fmt: skip
ONLY_IN: dict[str, str | tuple[str, ...]] = {
    "flask": "web",
    "flask_babel": "web",
    "pypinyin": "phone",
    "folium": "maps",
    "branca": "maps",
    "matplotlib": "figures",
    "sqlalchemy": "store",
    "opening_hours": "hours",
    "lark": "features",
    "click": "cli",
    "waitress": "cli",
    "openpyxl": ("register", "reporting"),
    "docx": "reporting",
    "jinja2": "reporting",
    "osmium": "travel",
    "contourpy": "travel",
    "highspy": "siting",
    "h3": "hotzones",
    "esda": "hotzones",
    "libpysal": "hotzones",
}


def imports() -> Iterator[tuple[str, str, str]]:
    """Yield (package, imported module, place) for every import of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts == ("__init__",) or parts[0] == "share":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
                if node.module == "locator":
                    names = [f"locator.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                yield parts[0], name, f"{'/'.join(parts)}.py:{node.lineno}"


def test_every_package_has_a_layer() -> None:
    packages = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert packages - {"__init__"} == set(LAYERS)


def test_imports_go_downwards() -> None:
    wrong = []
    for package, name, place in imports():
        if not name.startswith("locator."):
            continue
        target = name.split(".")[1]
        if target.startswith("__"):
            continue  # the version
        if target != package and LAYERS[target] > LAYERS[package]:
            wrong.append(f"{place} imports {name}, which is a layer above")
    assert not wrong


def test_no_two_packages_import_each_other() -> None:
    uses: dict[str, set[str]] = {package: set() for package in LAYERS}
    for package, name, _ in imports():
        parts = name.split(".")
        if parts[0] == "locator" and parts[1] in LAYERS and parts[1] != package:
            uses[package].add(parts[1])
    circles = [(a, b) for a in uses for b in uses[a] if a < b and a in uses[b]]
    assert not circles


def packages_of(name: str, package: str) -> tuple[str, ...]:
    packages = ONLY_IN.get(name.split(".", maxsplit=1)[0], package)
    return (packages,) if isinstance(packages, str) else packages


def test_some_libraries_stay_in_one_package() -> None:
    wrong = [
        f"{place} imports {name}, which belongs to {ONLY_IN[name.split('.')[0]]}"
        for package, name, place in imports()
        if package not in packages_of(name, package)
    ]
    assert not wrong


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_what_a_module_exports_exists(path: Path) -> None:
    import importlib

    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    name = ".".join(parts).removesuffix(".__init__")
    if name in {"locator", "locator.__main__"}:
        return
    module = importlib.import_module(name)
    missing = [entry for entry in module.__all__ if not hasattr(module, entry)]
    assert not missing
    assert list(module.__all__) == sorted(
        module.__all__, key=lambda n: (not n.isupper(), not n[0].isupper(), n)
    )
