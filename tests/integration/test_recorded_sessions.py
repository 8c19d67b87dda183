"""The terminal sessions of the docs are what commands print today."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDER = ROOT / "tools" / "record_sessions.py"
PAGE = ROOT / "docs" / "tutorial" / "sessions.md"
ONE_COMMAND = "```text\n$ showtime srve\n{printed}```\n"


def check(page: Path) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, str(RECORDER), "--check", str(page)]
    return subprocess.run(run, capture_output=True, text=True, check=False, timeout=300)


def test_the_sessions_of_the_docs_are_up_to_date():
    """Whoever changes what a command prints runs `tools/record_sessions.py`, and the page says the same."""
    checked = check(PAGE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_stale_session_is_found(tmp_path):
    """Where a page has another line than the command prints, the difference is told."""
    page = tmp_path / "page.md"
    page.write_text(ONE_COMMAND.format(printed="Error: what is that?\n"))
    checked = check(page)
    assert checked.returncode == 1
    assert "-Error: what is that?\n" in checked.stdout
    assert "+Error: No such command 'srve'. Did you mean 'serve'?\n" in checked.stdout
