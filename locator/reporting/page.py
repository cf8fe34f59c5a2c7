"""A report as one HTML file: every image inline, no script, nothing from elsewhere."""

import base64
from collections.abc import Mapping

import jinja2

from locator.paths import templates_dir
from locator.reporting.draft import Paper
from locator.reporting.pictures import Image
from locator.theme import PALETTE

__all__ = ["render_page"]


def render_page(draft: Paper, images: Mapping[str, Image], *, title: str) -> str:
    """Return a draft as a page; what it holds is escaped by the template."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    head = draft.head
    return environment.get_template("report.html").render(
        language="zh-CN" if draft.language == "zh" else "en",
        title=title,
        blocks=[(type(block).__name__, block) for block in draft.blocks],
        images={name: _address(image) for name, image in images.items()},
        tokens=PALETTE,
        style=(templates_dir() / "report" / "report.css").read_text(encoding="utf-8"),
        dated=draft.say(
            f"{head.made_at[:10]}　数据 {head.data_hash}",
            f"{head.made_at[:10]} · data {head.data_hash}",
        ),
    )


def _address(image: Image) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(image.svg).decode()}"
