"""What is told of a night that failed: a story to read, and a script to run."""

import platform
from importlib.metadata import PackageNotFoundError, version

from showtime_core.testing.world.explain import explain
from showtime_core.testing.world.play import Played

_MOST_LINES = 300
_SCRIPT = '''"""A night that fails: {failure}

Seed {seed}, {versions}. Run it with Python.
"""

from showtime_core.testing.world.explain import explain
from showtime_core.testing.world.night import SeededNight, Step
from showtime_core.testing.world.play import play

NIGHT = SeededNight(
    seed={seed},
    steps=(
{steps}
    ),
    faults=frozenset({{
{faults}
    }}),
)

if __name__ == "__main__":
    played = play(NIGHT)
    print("\\n".join(played.lines))
    print(explain(played.failure) if played.failure else "nothing failed", played.digest, sep="\\n")
    raise SystemExit(1 if played.failure else 0)
'''


def versions() -> str:
    """Name the versions with which a seed plays the same night."""
    try:
        own = version("golden-vcr-showtime")
    except PackageNotFoundError:
        own = "unknown"
    return f"showtime {own}, Python {platform.python_version()}"


def script(failed: Played) -> str:
    """Write a night as a script that plays it again."""
    assert failed.failure, "it failed"
    night = failed.night
    return _SCRIPT.format(
        failure=explain(failed.failure).splitlines()[0].replace('"""', "'''").replace("\\", "/"),
        seed=night.seed,
        versions=versions(),
        steps="\n".join(f"        {step!r}," for step in night.steps),
        faults="\n".join(f"        {fault!r}," for fault in sorted(night.faults)),
    )


def story(failed: Played) -> str:
    """Tell who did what when, and what was wrong in the end."""
    assert failed.failure, "it failed"
    lines = failed.lines
    if len(lines) > _MOST_LINES:
        lines = [f"… {len(lines) - _MOST_LINES} lines before …", *lines[-_MOST_LINES:]]
    return "\n".join([f"seed {failed.night.seed}, {versions()}", *lines, explain(failed.failure)])
