"""The page of data files in Chromium: read by keyboard and eye, and a file is saved."""

import pytest
from playwright.sync_api import Page

from tests.conftest import Server
from tests.test_rider_in_browser import violations

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_accessible_and_never_wider_than_the_screen(
    page: Page, server: Server, width: int, lang: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server.url}/exports?lang={lang}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


def test_a_link_saves_a_file_under_its_dated_name(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/exports")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="stations.csv").click()
    saved = waiting.value
    assert saved.suggested_filename.startswith("stations-20")
    assert saved.suggested_filename.endswith(".csv")
    content = saved.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert len(content.decode("utf-8-sig").splitlines()) == 121


@pytest.mark.slow
def test_the_page_is_found_from_every_page(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_role("link", name="数据下载").click()
    page.get_by_role("heading", name="数据下载").wait_for()
