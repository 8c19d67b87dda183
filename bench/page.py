"""The page of the docs that the benchmarks write: what each has said last, and by which command."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
_ABOUT = """# Benchmarks

Written by `make bench`, and by nobody else: each part by its own benchmark, whose last run it tells. What is
measured, and how to read it, is said in `bench/README.md`. A figure is the median of the rounds, and in
brackets the least and the greatest; µs are the time of a processor. Machines that are shared vary from minute
to minute: the load that is told is that at the end, our own included.
"""
_PARTS = re.compile(r"<!-- (\w+) -->\n(.*?)\n<!-- end -->", re.DOTALL)


class _Tee:
    """Writes what is printed, and keeps it."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def write(self, text: str) -> int:
        self.said.append(text)
        return sys.__stdout__.write(text) if sys.__stdout__ else len(text)

    def flush(self) -> None:
        if sys.__stdout__:
            sys.__stdout__.flush()


@contextmanager
def written(name: str, arguments: list[str]) -> Iterator[None]:
    """Write into the page what a benchmark prints from its first heading on, unless it fails."""
    tee = _Tee()
    sys.stdout = tee  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout = sys.__stdout__  # type: ignore[assignment]
    _, heading, rest = "".join(tee.said).partition("\n## ")
    if heading:
        _keep(name, f"## {rest.partition('Everything measured:')[0].strip()}\n\n{_how(name, arguments)}")


def _how(name: str, arguments: list[str]) -> str:
    """Tell by which command, when and on what machine."""
    command = " ".join(["make bench", f'ARGS="{" ".join([name, *arguments])}"'])
    load, day = os.getloadavg()[0], datetime.now(UTC).date()
    return f"`{command}`, {day}, Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}."


def _keep(name: str, part: str) -> None:
    parts = dict(_PARTS.findall(PAGE.read_text())) if PAGE.exists() else {}
    parts[name] = part
    told = "\n".join(f"\n<!-- {each} -->\n{parts[each]}\n<!-- end -->" for each in sorted(parts))
    PAGE.write_text(f"{_ABOUT}{told}\n")
