"""Names that modules export exist, in one order."""

from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "locator"


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
    exported = getattr(module, "__all__", [])  # a package's own modules need none
    assert not [entry for entry in exported if not hasattr(module, entry)]
    assert exported == sorted(exported, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
