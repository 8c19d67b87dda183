"""Says what was wrong where an assertion failed: its line and the values in it, with pytest or without."""

import ast
import linecache
import traceback
from textwrap import dedent
from types import FrameType

_LONGEST = 600


def explain(failure: BaseException) -> str:
    """Name the assertion that failed, where it is, and what its parts were."""
    frames = list(traceback.walk_tb(failure.__traceback__))
    said = f"{type(failure).__name__}: {failure}".rstrip(": ")
    if not frames:
        return said
    frame, number = frames[-1]
    name = frame.f_code.co_filename
    lines = [said, f"  at {name}:{number} in {frame.f_code.co_name}"]
    if isinstance(failure, AssertionError):
        lines += _values(frame, _statement(name, number))
    return "\n".join(lines)


def _statement(name: str, number: int) -> ast.stmt | None:
    """Find the statement at a line: it may go on over some more."""
    for length in range(1, 12):
        text = "".join(linecache.getline(name, line) for line in range(number, number + length))
        try:
            return ast.parse(dedent(text)).body[0]
        except (SyntaxError, IndexError):
            continue
    return None


def _values(frame: FrameType, statement: ast.stmt | None) -> list[str]:
    if not isinstance(statement, ast.Assert):
        return []
    parts = [statement.test]
    if isinstance(statement.test, ast.Compare):
        parts = [statement.test.left, *statement.test.comparators]
    parts += [node for node in ast.walk(statement.test) if isinstance(node, ast.Name)]
    found: dict[str, str] = {}
    for part in parts:
        text = ast.unparse(part)
        try:
            code = compile(ast.Expression(part), "assertion", "eval")
            value = repr(eval(code, frame.f_globals, frame.f_locals))  # noqa: S307 - the code of the assertion itself
        except Exception:  # noqa: S112 - what cannot be worked out again is left out
            continue
        if text not in found and not value.startswith("<"):
            found[text] = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    return [
        f"  assert {ast.unparse(statement.test)}",
        *(f"    {text} = {value}" for text, value in found.items()),
    ]
