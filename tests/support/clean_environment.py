"""An environment that has our packages, what one of their extras asks for, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from showtime_app import DISTRIBUTION

_SOURCES = Path(__file__).parents[2] / "src"


def needed_for(extra: str, name: str = DISTRIBUTION) -> Iterator[Distribution]:
    """Give what is installed for an extra of ours ("" means none), with all that it needs in turn."""
    waiting, met = [Requirement(f"{name}[{extra}]" if extra else name)], set[tuple[str, str]]()
    while waiting:
        requirement = waiting.pop()
        found = distribution(requirement.name)
        for asked in ["", *sorted(requirement.extras)]:
            if (found.name, asked) in met:
                continue
            met.add((found.name, asked))
            needs = [Requirement(text) for text in found.requires or ()]
            waiting += [need for need in needs if not need.marker or need.marker.evaluate({"extra": asked})]
            if found.name != DISTRIBUTION:
                yield found


def lay_out(extra: str, folder: Path) -> None:
    """Link in an empty folder what is needed for an extra of ours, as the installer laid it out."""
    for each in needed_for(extra):
        for top in {file.parts[0] for file in each.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            link = folder / top
            if not link.exists():
                link.symlink_to(str(each.locate_file(top)))


def run_alone(folder: Path, code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python code that finds our packages, the standard library and what lies in the folder."""
    paths: Sequence[str] = [str(_SOURCES), str(folder)]
    start = f"import sys; sys.path[:0] = {paths!r}\n{code}"
    command = [sys.executable, "-I", "-S", "-c", start, *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return subprocess.run(command, capture_output=True, text=True, env=kept, cwd=folder, check=False)
