"""List the names that other programs may import, a line each: `tools/public_names.py`.

The list stands in `docs/reference/public-names.txt`. A test says when a name is missing from it, and when one
has gone that the changelog does not announce.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def public_modules() -> list[str]:
    """Read which modules are public."""
    page = (ROOT / "docs/reference/python.md").read_text("utf-8")
    return re.findall(r"^\| `(showtime_[\w.]+)` \|", page, re.MULTILINE)


def sources(module: str) -> list[Path]:
    """Find the files of a module, and of those in it."""
    path = ROOT / "src" / module.replace(".", "/")
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def public_names() -> list[str]:
    """Give every public name: of modules, and of what their classes have."""
    found = {name for module in public_modules() for path in sources(module) for name in _names_in(path)}
    return sorted(found)


def _names_in(path: Path) -> Iterator[str]:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    module = ".".join(part for part in parts if part != "__init__")
    for name, node in _defined(ast.parse(path.read_text("utf-8")).body):
        yield f"{module}.{name}"
        if isinstance(node, ast.ClassDef):
            yield from (f"{module}.{name}.{inner}" for inner, _ in _defined(node.body))


def _defined(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names = [name]
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from ((name, node) for name in names if not name.startswith("_"))


if __name__ == "__main__":
    print("\n".join(public_names()))
