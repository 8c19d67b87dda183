"""`tools/install` installs what a target needs, once, and tells how far it is; here Python only pretends."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
INSTALL = Path(__file__).parents[2] / "tools" / "install"
PRETENDER = """#!/bin/sh
case "$*" in
*"-m venv"*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
--version) echo Python 3.11.7 ;;
*" install "*)
    echo "$*" >>"$ASKED"
    if [ -n "$PIP_LOG" ]; then
        echo "2026 Collecting attrs==25.3" >"$PIP_LOG"
        [ -z "$GATE" ] || read -r _ <"$GATE"
    fi ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("run", "dev"):
        (tmp_path / f"{name}.lock").write_text(f"attrs==25.3\n{name}-only==1.0\n")
    (tmp_path / "pyproject.toml").write_text("")
    pretender = tmp_path / "pretender"
    pretender.write_text(PRETENDER)
    pretender.chmod(0o755)
    return tmp_path


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHON": str(folder / "pretender"), "ASKED": str(folder / "asked")} | more


def install(folder: Path, *locks: str) -> list[str]:
    """Install these locks into .venv; returns which of them pip was asked for."""
    asked = folder / "asked"
    asked.write_text("")
    run = ["sh", str(INSTALL), ".venv", *locks]
    subprocess.run(run, cwd=folder, env=environment(folder), check=True, capture_output=True, timeout=60)
    return [word for word in asked.read_text().split() if word.endswith(".lock")]


def test_what_is_missing_is_installed_and_nothing_twice(folder):
    """Who has run it gets the tools with the first test, and running needs nothing more after that."""
    assert install(folder, "run.lock") == ["run.lock"]
    assert install(folder, "run.lock") == []
    assert install(folder, "run.lock", "dev.lock") == ["run.lock", "dev.lock"]
    assert install(folder, "run.lock") == []
    assert install(folder, "run.lock", "dev.lock") == []
    (folder / "run.lock").write_text("attrs==25.4\n")
    assert install(folder, "run.lock") == ["run.lock"]
    assert install(folder, "run.lock", "dev.lock") == ["run.lock", "dev.lock"]


def test_who_waits_is_told_how_far_it_is(folder):
    """In a terminal a line says how many packages were found or installed, while pip is at work."""
    os.mkfifo(folder / "gate")
    terminal, end = pty.openpty()
    run = ["sh", str(INSTALL), ".venv", "run.lock"]
    with subprocess.Popen(
        run, cwd=folder, env=environment(folder, GATE=str(folder / "gate")), stdout=end, stderr=end
    ) as process:
        os.close(end)
        said = b""
        while b"1 of 2 packages found" not in said:
            said += os.read(terminal, 1024)
        (folder / "gate").write_text("go on\n")
        assert process.wait(60) == 0
    os.close(terminal)
    assert not (folder / ".venv" / "unfinished").exists()
