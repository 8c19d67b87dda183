"""Build the docs as a site, into `build/site`: `make docs`.

    .venv-docs/bin/python tools/site/build.py

The pages are those of the repository, as they stand there; README.md is the home. To them comes a page for
each public module, from its docstrings. Nothing is fetched. A dead link, a page that nothing leads to, or a
public name without a docstring ends it with an error.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from sphinx.cmd.build import build_main

ROOT = Path(__file__).parents[2]
GATHERED = ROOT / "build/pages"
SITE = ROOT / "build/site"

LISTED = re.compile(r"^\| `(showtime_[\w.]+)` \|", re.MULTILINE)
NAVIGATION = {
    "Begin": ["docs/tutorial/*"],
    "How to": ["docs/how-to/*"],
    "Reference": ["docs/reference/*"],
    "Explanation": ["docs/explanation/*", "docs/decisions/README"],
    "The project": ["SECURITY", "CHANGELOG"],
}
"""Where the pages stand at the side; a pattern takes new ones by itself."""


def toctree(*lines: str) -> str:
    """Write a list of pages, for the side alone."""
    return "\n".join(["", "```{toctree}", ":hidden:", *lines, "```", ""])


def navigation() -> str:
    """Write what the home leads to."""
    return "".join(
        toctree(f":caption: {caption}", ":glob:", "", *pages) for caption, pages in NAVIGATION.items()
    )


def submodules(module: str) -> Iterator[str]:
    """Name the public modules that stand directly in a package."""
    spec = find_spec(module)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder).iterdir()):
            is_module = path.suffix == ".py" or (path / "__init__.py").exists()
            if is_module and not path.stem.startswith("_"):
                yield f"{module}.{path.stem}"


def write_module(module: str) -> None:
    """Write the page of a module, and of those in it; Sphinx puts the docstrings in their place."""
    inner = list(submodules(module))
    for each in inner:
        write_module(each)
    shorter = [f"   {each.rpartition('.')[2]} <{each}>" for each in inner]
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", ""]
    if inner:
        lines += ["Its modules:", "", ".. toctree::", "   :maxdepth: 1", "", *shorter, ""]
    (GATHERED / "python" / f"{module}.rst").write_text("\n".join(lines), "utf-8")


def gather() -> None:
    """Copy the pages to where Sphinx reads them, with those of the modules and what is at the side."""
    shutil.rmtree(GATHERED, ignore_errors=True)
    for folder in ("docs", "deploy"):
        shutil.copytree(ROOT / folder, GATHERED / folder)
    for page in ("SECURITY.md", "CHANGELOG.md"):
        shutil.copy(ROOT / page, GATHERED)
    home = (ROOT / "README.md").read_text("utf-8")
    (GATHERED / "index.md").write_text(home + navigation(), "utf-8")

    decisions = GATHERED / "docs/decisions/README.md"
    decisions.write_text(decisions.read_text("utf-8") + toctree(":glob:", "", "0*"), "utf-8")

    (GATHERED / "python").mkdir()
    listing = GATHERED / "docs/reference/python.md"
    public = LISTED.findall(listing.read_text("utf-8"))
    for module in public:
        write_module(module)
    pages = [f"{module} </python/{module}>" for module in public]
    listing.write_text(listing.read_text("utf-8") + toctree("", *pages), "utf-8")


def build(arguments: list[str]) -> int:
    """Make the site anew; returns 0 where nothing is wrong with it."""
    gather()
    shutil.rmtree(SITE, ignore_errors=True)
    options = ["-c", str(Path(__file__).parent), "-d", str(ROOT / "build/doctrees"), "-b", "html"]
    strict = ["--fail-on-warning", "--keep-going", "--fresh-env", "--quiet"]
    return build_main([*options, *strict, *arguments, str(GATHERED), str(SITE)])


if __name__ == "__main__":
    failed = build(sys.argv[1:])
    print("The docs have mistakes: see above." if failed else f"Open {SITE / 'index.html'}")
    sys.exit(failed)
