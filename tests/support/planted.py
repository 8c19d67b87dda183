"""Bugs that are planted in a copy of the code, one at a time, for what ships to find."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
MACHINES = ROOT / "tests/unit/core/testing/machines"
FINDERS = {
    "any_order": MACHINES / "test_any_order.py",
    "nights": MACHINES / "test_nights.py",
    "effects": MACHINES / "test_effects.py",
    "show": MACHINES / "test_show.py",
}
"""Modules that do nothing but run a machine of `showtime_core.testing` in memory."""
MOST_EXAMPLES = 200


@frozen
class PlantedBug:
    """Some lines of the code, and what stands in their place."""

    name: str
    file: str
    code: str
    bug: str
    finder: str
    money: bool = False
    """Whether it would give or take points."""


PLANTED = [
    PlantedBug(**each) for each in tomllib.loads((ROOT / "tests/planted_bugs.toml").read_text("utf-8"))["bug"]
]


def plant(planted: PlantedBug, folder: Path) -> Path:
    """Copy the code into an empty folder, with the bug; gives where the copy is."""
    sources = folder / "src"
    shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
    path = sources / planted.file
    text = path.read_text("utf-8")
    found = text.count(planted.code)
    assert found == 1, f"{planted.name}: its code stands {found} times in {planted.file}"
    path.write_text(text.replace(planted.code, planted.bug), "utf-8")
    return sources


def look_for(planted: PlantedBug, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have the finder run on the code with the bug."""
    sources = plant(planted, folder)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--hypothesis-profile=planted"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly", str(FINDERS[planted.finder])]
    paths = os.pathsep.join([str(sources), str(ROOT / "tests")])
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "examples")},
        capture_output=True,
        text=True,
        check=False,
    )
