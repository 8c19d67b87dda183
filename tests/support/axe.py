"""axe-core, which tells what of a page is closed to some people: its script, and what it finds."""

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Any

from selenium import webdriver

LOCK = Path(__file__).with_name("axe.lock")
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """
    const [tags, done] = arguments;
    const told = (reason) => done(String(reason));
    const wanted = { runOnly: tags, resultTypes: ["violations"] };
    axe.run(document, wanted).then((found) => done(found.violations), told);
"""


def axe_script() -> str:
    """Read axe-core, which is fetched once into this environment, by its lock."""
    folder = Path(sys.prefix) / "cache" / "axe"
    script = folder / "axe_playwright_python" / "axe.min.js"
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            what = ["--no-deps", "--require-hashes", "--requirement", str(LOCK), "--target", str(folder)]
            subprocess.run([sys.executable, "-I", "-m", "pip", "install", "--quiet", *what], check=True)
    return script.read_text()


def violations(chrome: webdriver.Chrome, script: str) -> dict[str, list[str]]:
    """Tell what axe finds on the page that is open: the rule, and where it is broken."""
    if not chrome.execute_script("return 'axe' in window"):  # half a megabyte, once for each page
        chrome.execute_script(script)
    found: list[dict[str, Any]] = chrome.execute_async_script(_RUN, _TAGS)
    assert isinstance(found, list), found
    return {rule["id"]: [node["html"][:200] for node in rule["nodes"]] for rule in found}
