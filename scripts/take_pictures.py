"""The pictures of README and docs, taken from a running site and from the command line.

    locator serve --port 5000 &
    python scripts/take_pictures.py http://127.0.0.1:5000

Needs the extra ``dev`` (playwright) and Chromium; run it on the shipped data.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import click
from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
HERE = {"longitude": 107.1489, "latitude": 34.3692}


@click.command()
@click.argument("site", default="http://127.0.0.1:5000")
@click.option("--chromium", default="/usr/bin/chromium", show_default=True)
def main(site: str, chromium: str) -> None:
    """Take every picture anew."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        phone = browser.new_context(
            viewport={"width": 390, "height": 844},
            locale="zh-CN",
            geolocation=HERE,  # type: ignore[arg-type]
            permissions=["geolocation"],
        )
        page = phone.new_page()
        page.goto(site)
        page.screenshot(path=PICTURES / "home.png")
        page.get_by_role("button", name="用我的位置找最近的").click()
        page.wait_for_selector(".cards")
        page.screenshot(path=PICTURES / "list.png")
        page.goto(f"{site}/stations/BJ-R-001")
        page.screenshot(path=PICTURES / "station.png")
        desk = browser.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
        desk.goto(f"{site}/map")
        desk.wait_for_timeout(1500)
        desk.screenshot(path=PICTURES / "map.png")
        browser.close()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "locator", "gaps", "--minutes", "5"]
        subprocess.run([*command, "--out", f"{folder}/gaps"], check=True)  # noqa: S603
        (PICTURES / "gaps.png").write_bytes((Path(folder) / "gaps" / "map.png").read_bytes())
    click.echo(f"The pictures are in {PICTURES}")


if __name__ == "__main__":
    main()
