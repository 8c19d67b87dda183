"""The terminal sessions of the docs are what commands print today."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDER = ROOT / "tools" / "record_sessions.py"
PAGE = ROOT / "docs" / "tutorial" / "sessions.md"
ONE_COMMAND = "```text\n$ showtime srve\n{printed}```\n"


def check(page: Path) -> int:
    """Compare a page with what its commands print; the difference is printed."""
    spec = importlib.util.spec_from_file_location("record_sessions", RECORDER)
    assert spec
    assert spec.loader
    recorder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recorder)
    return recorder.main(["--check", str(page)])


def test_the_sessions_of_the_docs_are_up_to_date(capsys):
    """Whoever changes what a command prints runs `tools/record_sessions.py`, and the page says the same."""
    assert check(PAGE) == 0, capsys.readouterr().out


def test_a_stale_session_is_found(tmp_path, capsys):
    """Where a page has another line than the command prints, the difference is told."""
    page = tmp_path / "page.md"
    page.write_text(ONE_COMMAND.format(printed="Error: what is that?\n"))
    assert check(page) == 1
    told = capsys.readouterr().out
    assert "-Error: what is that?\n" in told
    assert "+Error: No such command 'srve'. Did you mean 'serve'?\n" in told
