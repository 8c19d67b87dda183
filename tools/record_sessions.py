#!/usr/bin/env python3
"""Record the terminal sessions of `docs/tutorial/sessions.md`: run its commands, and write what they print.

    .venv/bin/python tools/record_sessions.py            write the page anew
    .venv/bin/python tools/record_sessions.py --check    end with 1, and the difference, where it is stale

In a block `console` or `text` a line that begins with `$ ` is a command; what follows, up to the next one or
to the end of the block, is what it printed. They run in a folder of their own, one after the other, and
those of ours in forks of a process that has imported them; `showtime dev` goes on to the end, and `showtime
init` asks the Twitch of the tests. Ports, times and the folder are written as a reader sees them, and a list
of migrations by its first.
"""

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.forked import Forked, showtime  # noqa: E402 - they are beside this folder
from support.server import SECRET  # noqa: E402
from support.twitch_api import TwitchApi, twitch_api  # noqa: E402
from support.twitch_world import BROADCASTER_ID, EVERYTHING, OUR_URL  # noqa: E402

PAGE = ROOT / "docs" / "tutorial" / "sessions.md"
BLOCK = re.compile(r"^(```(?:console|text)\n)(\$ .*?)(?=^```$)", re.MULTILINE | re.DOTALL)
AS_READ = (
    (re.compile(r"overlay_[0-9a-f]+"), "overlay_…"),
    (re.compile(r"[0-9.]+ ms"), "24.1 ms"),
    (re.compile(r"in [0-9.]+ s \([0-9.]+/s\)"), "in 0.31 s (64.5/s)"),
    (re.compile(r"(?<=applied 001_predecessor\n)(applied \w+\n)+"), "…\n"),
)
"""What is another each time, and what is written for it."""


class Terminal:
    """A folder with `showtime` on the path, where a `showtime dev` may come to run, and a Twitch."""

    def __init__(self, folder: Path, twitch: TwitchApi) -> None:
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.folder, self.twitch = folder, twitch
        self.environment = {"PATH": programs, "HOME": str(folder), "LANG": "C.UTF-8"}
        self.dev: Forked | None = None
        self.url = "none yet"

    def run(self, command: str) -> str:
        """Run a command; returns what it prints, as a reader sees it."""
        if command == "showtime dev":
            return self.as_read(self.start_dev())
        of_twitch = {"TWITCH_WEBHOOK_CALLBACK_URL": OUR_URL, "TWITCH_WEBHOOK_SECRET": SECRET}
        of_twitch |= self.twitch.settings
        environment = self.environment | (of_twitch if command.startswith("showtime init") else {})
        if command.startswith("showtime "):
            return self.as_read(self.fork(command, environment))
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return self.as_read(done.stdout)

    def fork(self, command: str, environment: dict[str, str]) -> str:
        """Run one of our commands, which nothing but words follow; returns what it prints."""
        forked = showtime(shlex.split(command)[1:], environment, self.folder, errors=None, output=None)
        assert forked.stdout
        with forked.stdout:
            printed = forked.stdout.read()
        forked.wait()
        return printed

    def start_dev(self) -> str:
        """Start `showtime dev` on a free port; returns what it prints until it is ready."""
        settings = {"LISTEN_PORT": "0", "TWITCH_WEBHOOK_SECRET": SECRET, "PYTHONUNBUFFERED": "1"}
        silent = Path(os.devnull)
        self.dev = showtime(["dev"], self.environment | settings, self.folder, errors=silent, output=None)
        printed = ""
        while "Ctrl-C stops" not in printed:
            line = self.dev.stdout.readline()
            assert line, f"it does not start:\n{printed}"
            printed += line
        self.url = re.search(r"ready at (\S+)", printed)[1]
        self.twitch.world.reached[OUR_URL] = f"{self.url}/callback"
        return printed

    def as_read(self, printed: str) -> str:
        """Write what is another each time as it is written on the page."""
        printed = printed.replace(self.url, "http://127.0.0.1:5001")
        printed = printed.replace(str(self.folder.resolve()), "/home/vera/show")
        for changing, written in AS_READ:
            printed = changing.sub(written, printed)
        return "".join(f"{line.rstrip()}\n" for line in printed.splitlines())


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Sit down in an empty folder, before a Twitch where the broadcaster has consented to everything."""
    with tempfile.TemporaryDirectory() as folder, twitch_api() as twitch:
        twitch.world.consents[BROADCASTER_ID] = set(EVERYTHING)
        made = Terminal(Path(folder), twitch)
        try:
            yield made
        finally:
            if made.dev:
                made.dev.terminate()
                made.dev.stdout.read()
                made.dev.stdout.close()
                made.dev.wait()


def record(page: str) -> str:
    """Run the commands of a page; returns the page with what they print now."""
    with terminal() as made:

        def run_again(block: re.Match[str]) -> str:
            commands = [line for line in block[2].splitlines() if line.startswith("$ ")]
            return block[1] + "".join(f"{line}\n{made.run(line.removeprefix('$ '))}" for line in commands)

        return BLOCK.sub(run_again, page)


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, or compare; the exit code is 1 where the page is stale."""
    parser = argparse.ArgumentParser(description="Record the terminal sessions of the docs.")
    parser.add_argument("page", nargs="?", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true", help="write nothing: tell whether it is stale")
    given = parser.parse_args(arguments)
    before = given.page.read_text("utf-8")
    after = record(before)
    if not given.check:
        given.page.write_text(after, "utf-8")
        return 0
    changes = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "written", "printed now")
    sys.stdout.writelines(changes)
    return int(before != after)


if __name__ == "__main__":
    sys.exit(main())
