#!/usr/bin/env python3
"""Walk through `docs/tutorial/first-night.md` to the letter: from a fresh clone, as an ordinary user.

    python3 tools/walk_tutorial.py        needs git, make, curl, port 5001 and the network; takes some minutes

What is committed is cloned into a folder of its own. Every command of the page runs as it stands there: what
follows `make run` once that is ready, what only listens (`curl -N`) beside the rest. It ends with 0 if each
of them did, and the overlay was told of the ghost. Root becomes the user 65534 for it.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = Path("docs") / "tutorial" / "first-night.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOBODY = 65534
GHOST_SECONDS = 60


class Walk:
    """A fresh clone, and who works in it."""

    def __init__(self, home: Path) -> None:
        self.clone, self.heard = home / "showtime", home / "heard"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, self.clone], check=True)
        self.user = NOBODY if os.geteuid() == 0 else None
        if self.user:
            for path in (home, *home.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        self.environment = {**kept, "PATH": os.defpath, "HOME": str(home)}
        self.said = ""
        self.listeners: list[subprocess.Popen[str]] = []

    def start(self, command: str, **streams: object) -> subprocess.Popen[str]:
        """Start a command in a terminal of its own."""
        print(f"$ {command}", flush=True)
        return subprocess.Popen(
            ["bash", "-euc", command],
            cwd=self.clone,
            env=self.environment,
            user=self.user,
            group=self.user,
            text=True,
            start_new_session=True,
            **streams,
        )

    def run(self, command: str) -> None:
        """Run a command of the page as far as the page goes; raises CalledProcessError if it fails."""
        if command == "make run":
            self.serving = self.start(command, stdout=subprocess.PIPE)
            for line in self.serving.stdout:
                print(line, end="", flush=True)
                self.said += line
                if "Ctrl-C stops" in line:
                    return
            raise subprocess.CalledProcessError(self.serving.wait(), command)
        if command.startswith("curl -N"):
            self.listeners.append(self.start(command, stdout=self.heard.open("w"), stderr=subprocess.DEVNULL))
            return
        code = self.start(command.replace("curl ", "curl --fail ", 1)).wait()
        if code:
            raise subprocess.CalledProcessError(code, command)

    def stop(self) -> None:
        """Press Ctrl-C in every terminal."""
        for process in (*self.listeners, self.serving):
            os.killpg(process.pid, signal.SIGINT)
            process.communicate()


def main() -> int:
    """Walk; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        walk = Walk(home)
        for block in BLOCK.findall((walk.clone / PAGE).read_text("utf-8")):
            for line in block.splitlines():
                walk.run(line.removeprefix("$ "))
        deadline = time.monotonic() + GHOST_SECONDS
        while not (was_told := "generated-images" in walk.heard.read_text()) and time.monotonic() < deadline:
            time.sleep(0.5)
        walk.stop()
        print("the overlay was told of the ghost" if was_told else "the overlay was told of no ghost")
    return int(not was_told)


if __name__ == "__main__":
    sys.exit(main())
