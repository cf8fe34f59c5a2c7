"""What the wheel carries beyond the checkout: the compiled catalogue of the pages' messages."""

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CATALOGUE = "templates/translations/en/LC_MESSAGES/messages"


class CatalogueHook(BuildHookInterface):
    """Compile the catalogue into the wheel, never into the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the compiled catalogue to a wheel; an editable install reads the text."""
        if version == "editable":
            return
        root = Path(self.root)
        compiled = runpy.run_path(str(root / "locator/web/catalogue.py"))["compiled"]
        self.made = Path(tempfile.mkdtemp()) / "messages.mo"
        self.made.write_bytes(compiled(root / f"{CATALOGUE}.po"))
        build_data["force_include"][str(self.made)] = f"locator/share/{CATALOGUE}.mo"

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        """Remove what was made on the way."""
        if version != "editable":
            self.made.unlink()
            self.made.parent.rmdir()
