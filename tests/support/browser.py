"""A real browser without a window, and the one port that it is sent back to."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


@contextmanager
def browser(chromium: Path, driver: Path, profile: Path) -> Iterator[webdriver.Chrome]:
    """Run Chromium for a while, with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium)
    for switch in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--disable-back-forward-cache",  # for which each page would have a process of its own
        "--window-size=900,600",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(switch)
    running = webdriver.Chrome(options=options, service=Service(str(driver)))
    try:
        yield running
    finally:
        running.quit()


@contextmanager
def alone_on_the_machine(what: str) -> Iterator[None]:
    """Wait for other runs of these tests: a port that is given cannot be shared."""
    path = Path(tempfile.gettempdir()) / f"showtime-tests-{os.getuid()}-{what}.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
