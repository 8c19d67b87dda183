"""The operator's terminal: commands of the docs, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from attrs import define

from showtime_adapters.postgres.embedded.programs import Binaries
from support.server import environment

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    """Read the commands of a page, block by block."""
    return _BLOCK.findall((ROOT / page).read_text("utf-8"))


@define
class Terminal:
    """The operator's, in a folder of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a block of a page."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def terminal_of(conninfo: str, folder: Path) -> Terminal:
    """Sit where showtime and PostgreSQL's programs are at hand, and the database is named."""
    named = environment(conninfo)
    programs = [Path(sys.executable).parent, Binaries.for_cluster(folder / "none", None).folder]
    named["PATH"] = os.pathsep.join([*map(str, programs), named["PATH"]])
    return Terminal(folder, named)
