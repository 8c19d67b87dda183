"""`showtime dev` on a system that is no Unix, played by taking away a module that Unix alone has."""

import os
import subprocess
import sys

import pytest

ON_WINDOWS = """
import sys
sys.modules["fcntl"] = None
from showtime_app.cli.entry import main
main()
"""


@pytest.mark.process
@pytest.mark.parametrize("command", [["dev", "--port", "0"], ["migrate", "status"]])
def test_windows_is_told_to_bring_a_server(tmp_path, command):
    """Where the embedded PostgreSQL cannot be, whoever asks for it is told to name a server by PGHOST."""
    told = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS, *command, "--data-dir", str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 1
    assert "no embedded PostgreSQL on Windows" in told.stderr
    assert "PGHOST" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "postgres").exists()
