"""What runs on every change fails when it has proved nothing."""

import os
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / ".ci" / "run"
PROGRAMS = ["postgres", "chromium", "chromedriver", "nginx", "systemd-analyze"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("said", "code", "expected"),
    [
        ("1411 passed in 240.31s", 0, 0),
        ("1 failed, 1410 passed in 240.31s", 1, 1),
        ("no tests ran in 0.12s", 5, 1),
        ("1411 skipped in 3.10s", 0, 1),
        ("0 passed in 0.01s", 0, 1),
        ("", 0, 1),
    ],
    ids=str,
)
def test_a_run_in_which_no_test_passed_is_no_success(tmp_path, said, code, expected):
    """Whatever `make test` returns: it counts that some test ran, and that none failed."""
    for name in PROGRAMS:
        write_program(tmp_path / name, "")
    write_program(tmp_path / "make", f'[ "$1" = test ] || exit 0; echo "{said}"; exit {code}')
    path = os.pathsep.join([str(tmp_path), "/usr/bin", "/bin"])
    ran = subprocess.run([RUN], env={"PATH": path}, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, said in ran.stdout) == (expected, True), ran.stderr
    assert ("no test ran" in ran.stderr) == (" passed" not in said or said.startswith("0"))


def write_program(path: Path, script: str) -> None:
    """Let there be a program that does this."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
