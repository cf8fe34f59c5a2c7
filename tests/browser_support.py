"""Chromium for the tests that need a browser: fixtures ``chromium`` and ``page``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    expect,
    sync_playwright,
)

from tests.patience import patience
from tests.required import absent

CHROMIUM = Path("/usr/bin/chromium")
# Nothing but the pages under test: no first-run pages, updates or background requests.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Chromium once; without it skip, or fail where everything is required."""
    if not CHROMIUM.is_file():
        absent(f"there is no Chromium at {CHROMIUM} (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        expect.set_options(timeout=patience(5_000))
        open_context = browser.new_context

        def patient(**options: Any) -> BrowserContext:
            context = open_context(**options)
            context.set_default_timeout(patience(30_000))
            return context

        browser.new_context = patient  # type: ignore[method-assign]
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Open an empty page in a context of its own.

    The test fails at its end if the page showed a dialog, raised an error or broke its
    Content-Security-Policy.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    opened = context.new_page()
    troubles: list[str] = []
    watch_page(opened, troubles)
    yield opened
    context.close()
    assert not troubles


def watch_page(page: Page, troubles: list[str]) -> None:
    """Collect a page's dialogs, script errors and policy violations into a list."""

    def dismiss(dialog: Dialog) -> None:
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def read(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            troubles.append(message.text)

    page.on("dialog", dismiss)
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", read)
