"""Where settings are written, the environment and the file `.env`, and what is wrong with that file."""

import io
import logging
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field
from dotenv import dotenv_values
from dotenv.parser import parse_stream

FILE = ".env"
ENVIRONMENT = "environment"
MAY_BE_EMPTY = frozenset({"spaces_acl"})
"""Settings that mean something where they are empty; every other counts as not set then."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_YAML = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*:(?!=)")


@define
class Given:
    """What is written of settings."""

    values: dict[str, Any] = field(factory=dict, repr=False)
    """By the names of the fields."""
    origins: dict[str, str] = field(factory=dict)
    """Where each of them comes from."""
    unknown: dict[str, str] = field(factory=dict)
    """Names that are no settings, and where they stand."""
    problems: list[str] = field(factory=list)
    """What is wrong with the file, a line each, without values."""


def find_given(fields: Collection[str]) -> Given:
    """Find which of these settings are given; the environment wins over `.env` in the working directory."""
    given = Given()
    for origin, names in ((FILE, _read_file(Path(FILE), given.problems)), (ENVIRONMENT, os.environ)):
        for name, value in names.items():
            setting = name.lower()
            if setting not in fields:
                given.unknown[name] = origin
            elif value or (value is not None and setting in MAY_BE_EMPTY - given.values.keys()):
                given.values[setting], given.origins[setting] = value, origin
    return given


def _read_file(path: Path, problems: list[str]) -> Mapping[str, str | None]:
    """Read a file of settings; what is wrong with it is added to the problems."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as reason:
        problems.append(f"{path} cannot be read ({reason.strerror}): let this user read it, or move it away")
        return {}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = content.count(b"\n", 0, reason.start) + 1
        problems.append(f"{path}, line {line}: is not UTF-8: save the file in that encoding")
        text = content.decode("latin-1")  # names are ASCII: the other lines can be judged
    if "\0" in text:
        problems[:] = problems or [f"{path} has NUL in it: save the file as UTF-8"]
        return {}
    problems += [f"{path}, line {line}: {what}" for line, what in _faults(text)]
    logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # it would tell of the same lines
    return dotenv_values(stream=io.StringIO(text))


def _faults(text: str) -> Iterator[tuple[int, str]]:
    """Find the lines that are no settings: the number of each, and what to do about it."""
    for binding in parse_stream(io.StringIO(text)):
        written = binding.original.string
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        if yaml := _YAML.match(written):
            yield line, f"{yaml[1]} is followed by a colon: write {yaml[1]}=..."
        elif binding.error or (binding.key and (binding.value is None or not _NAME.fullmatch(binding.key))):
            yield line, "is no setting: write NAME=value, a quoted value with both of its quotes"
