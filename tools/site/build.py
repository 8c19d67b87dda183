"""Build the docs as a site, into `build/site`: `make docs`.

    .venv-docs/bin/python tools/site/build.py

The pages are those of the repository, as they stand there; README.md is the home. To them comes a page for
each public module, from its docstrings. Nothing is fetched. A dead link, a page that nothing leads to, or a
public name without a docstring ends it with an error.
"""

import ast
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

REPAIRS = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages">',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    'download internal" download=""': 'download internal"',
    '<div id="search-results"></div>': '<h1>Search</h1><div id="search-results"></div>',
}
"""What the theme leaves out: names of landmarks, levels of headings, a way by keyboard into what scrolls.

And what lies beside the pages is opened, and not saved.
"""


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


def first_sentence(module: str) -> str:
    """Tell what a module is for, by the first line of its docstring."""
    spec = find_spec(module)
    source = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def write_module(module: str) -> None:
    """Write the page of a module, and of those in it; Sphinx puts the docstrings in their place."""
    inner = {each: each.rpartition(".")[2] for each in submodules(module)}
    for each in inner:
        write_module(each)
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", ""]
    lines += [f"- :doc:`{name} <{each}>`: {first_sentence(each)}" for each, name in inner.items()]
    lines += [
        "",
        ".. toctree::",
        "   :hidden:",
        "",
        *(f"   {name} <{each}>" for each, name in inner.items()),
        "",
    ]
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
    public = dict.fromkeys(LISTED.findall(listing.read_text("utf-8")))  # some stand in two tables
    for module in public:
        write_module(module)
    pages = [f"{module} </python/{module}>" for module in public]
    listing.write_text(listing.read_text("utf-8") + toctree("", *pages), "utf-8")


def repair() -> bool:
    """Put into the pages what the theme leaves out; returns whether there was a place for all of it."""
    missed = set(REPAIRS)
    for page in SITE.rglob("*.html"):
        text = page.read_text("utf-8")
        for found, better in REPAIRS.items():
            if found in text:
                missed.discard(found)
                text = text.replace(found, better)
        page.write_text(text, "utf-8")
    for place in missed:
        print(f"The theme has changed, and has no {place} any more.", file=sys.stderr)
    return not missed


def build(arguments: list[str]) -> bool:
    """Make the site anew; returns whether all is well with it."""
    gather()
    shutil.rmtree(SITE, ignore_errors=True)
    options = ["-c", str(Path(__file__).parent), "-d", str(ROOT / "build/doctrees"), "-b", "html"]
    strict = ["--fail-on-warning", "--keep-going", "--fresh-env", "--quiet"]
    failed = build_main([*options, *strict, *arguments, str(GATHERED), str(SITE)])
    return repair() and not failed


if __name__ == "__main__":
    is_well = build(sys.argv[1:])
    print(f"Open {SITE / 'index.html'}" if is_well else "The docs have mistakes: see above.")
    sys.exit(not is_well)
