"""The docs as a site, in a real browser: it needs nobody else, finds what is looked for, shuts nobody out.

What is opened is what `make docs` has built; where nobody has, these are skipped.
"""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from support.axe import axe_script, violations
from support.browser import browser

pytestmark = pytest.mark.process
BUILT = Path(__file__).parents[2] / "build/site"
PAGES = [
    "index.html",
    "search.html?q=ghost",
    "docs/explanation/architecture.html",
    "docs/reference/settings.html",
    "python/showtime_core.domain.reactions.html",
]
DESK, PHONE = (1280, 900), (360, 740)


class Quiet(SimpleHTTPRequestHandler):
    """Serves the files, and writes nothing into the output of the tests."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    if not (BUILT / "index.html").exists():
        pytest.skip("no site is built here: make docs")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(BUILT))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chrome(require_tool, tmp_path_factory):
    chromium, driver = require_tool("chromium"), require_tool("chromium-driver")
    with browser(chromium, driver, tmp_path_factory.mktemp("profile")) as running:
        yield running


def look_at(chrome, url, size=DESK, scheme="light"):
    """Open a page as it is at this size, for somebody who likes it light or dark."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    liked = [{"name": "prefers-color-scheme", "value": scheme}]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": liked})
    chrome.get(url)


@pytest.mark.parametrize("path", PAGES)
def test_the_site_loads_nothing_from_elsewhere(site, chrome, path):
    """A page asks for what stands beside it and for nothing else: it works without a network."""
    look_at(chrome, f"{site}/{path}")
    loaded = chrome.execute_script("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert loaded
    assert [url for url in loaded if not url.startswith(site)] == []


@pytest.mark.usefixtures("site")
def test_no_file_of_the_site_names_another_host_to_load_from():
    """In all that is built, also where no test looks, no script, style or picture is another host's."""
    loads = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=["'](?:https?:)?//""")
    pages = {path: path.read_text("utf-8") for path in BUILT.rglob("*.html")}
    assert len(pages) > 100
    assert [str(path) for path, text in pages.items() if loads.search(text)] == []
    styles = [path.read_text("utf-8") for path in BUILT.rglob("*.css")]
    assert not any(re.search(r"""@import|url\(["']?(?:https?:)?//""", style) for style in styles)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_the_site_is_open_to_everybody(site, chrome, path, scheme, size):
    """Axe finds nothing on a desk or a phone, light or dark, and no page must be moved sideways."""
    look_at(chrome, f"{site}/{path}", size, scheme)
    assert violations(chrome, axe_script()) == {}
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= size[0]


def test_light_and_dark_are_chosen_by_the_reader(site, chrome):
    """A page is as the reader's system has it, until the reader says otherwise on it; then that stays."""
    colours = []
    for scheme in ("light", "dark"):
        look_at(chrome, f"{site}/index.html", scheme=scheme)
        colours.append(chrome.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]
    while chrome.execute_script("return document.body.dataset.theme") != "light":
        chrome.execute_script("document.querySelector('.theme-toggle').click()")
    chrome.get(f"{site}/docs/reference/http.html")
    assert chrome.execute_script("return getComputedStyle(document.body).backgroundColor") == colours[0]
    chrome.execute_script("localStorage.clear()")


def test_search_finds_pages_and_names(site, chrome):
    """What a reader looks for is found without anybody's help: words of a page, and names of the code."""
    for words, found in {
        "decide parked": "decide-what-is-parked",
        "plan_changes": "use_cases.receive",
    }.items():
        look_at(chrome, f"{site}/search.html?q={words}")
        link = f"#search-results ul.search li a[href*='{found}']"  # results come one after the other
        assert WebDriverWait(chrome, 30).until(
            lambda chrome, link=link: chrome.find_elements(By.CSS_SELECTOR, link)
        )


@pytest.mark.usefixtures("site")
def test_every_public_module_has_its_page():
    """The reference has a page of each module that is listed as public, and of each in it."""
    written = {path.stem for path in (BUILT / "python").glob("*.html")}
    assert {"showtime_core.ports", "showtime_core.domain.points_and_ghosts.points"} <= written
    assert {"showtime_adapters.wire", "showtime_core.testing.twins.ledger"} <= written
    assert 'class="sig' in (BUILT / "python/showtime_core.ports.html").read_text("utf-8")
