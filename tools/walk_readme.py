#!/usr/bin/env python3
"""Walk from a clone to an alert in a browser with the README alone, and say how long it takes.

    .venv/bin/python tools/walk_readme.py        needs git, make, port 5001, the network and Chromium

What is committed is cloned into a folder of its own. The first two blocks of commands of the README run as
they stand there: the first until it has printed the overlay's address, which a browser opens; then the
second, until an alert is painted. `PIP_NO_CACHE_DIR=1` has pip fetch everything anew, as on a machine that
never had it. It ends with 0 if the alert came within three minutes of the clone.
"""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from walk_tutorial import BLOCK, Walk

MOST_SECONDS = 180
ADDRESS = re.compile(r"https?://\S+/overlay#\S+")
PAINTED = "return document.getElementById('alert').innerText || document.getElementById('ghost').innerText"


def main() -> int:
    """Walk; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        begun = time.monotonic()

        def tell(what: str) -> float:
            seconds = time.monotonic() - begun
            print(f"{seconds:6.1f} s  {what}", flush=True)
            return seconds

        walk = Walk(home)
        tell("cloned")
        run, play, *_ = BLOCK.findall((walk.clone / "README.md").read_text("utf-8"))
        chrome = None
        try:
            walk.run(run.strip().removeprefix("$ "))
            tell("it serves, and has printed the overlay's address")
            chrome = open_browser(home)
            chrome.get(ADDRESS.search(walk.said)[0])
            tell("the overlay is open")
            walk.listeners.append(walk.start(play.strip().removeprefix("$ ")))
            text = await_alert(chrome, begun + 2 * MOST_SECONDS)
            seconds = tell(f"painted: {' '.join(text.split())}" if text else "nothing was painted")
        finally:
            if chrome:
                chrome.quit()
            walk.stop()
    return int(not text or seconds > MOST_SECONDS)


def open_browser(home: Path) -> webdriver.Chrome:
    """Open a browser without a window; raises SystemExit where there is none."""
    driver = shutil.which("chromedriver")
    if not driver:
        raise SystemExit("chromedriver is missing: apt install chromium-driver")
    options = webdriver.ChromeOptions()
    for switch in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home / 'profile'}"):
        options.add_argument(switch)
    return webdriver.Chrome(options=options, service=Service(driver))


def await_alert(chrome: webdriver.Chrome, deadline: float) -> str:
    """Wait for the words of an alert; empty where none comes."""
    while time.monotonic() < deadline:
        if text := chrome.execute_script(PAINTED):
            return str(text)
        time.sleep(0.1)
    return ""


if __name__ == "__main__":
    sys.exit(main())
