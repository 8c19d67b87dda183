"""Whoever follows a link of the docs gets somewhere: the file is there, and the heading in it."""

import re
from itertools import count, pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MARKDOWN = MarkdownIt().enable("table")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def slug(heading: str) -> str:
    """The name by which a heading is linked to, wherever Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    """What can be linked to within a page: its headings; one that comes again has a number."""
    tokens = MARKDOWN.parse(text)
    found: set[str] = set()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            words = "".join(part.content for part in inline.children or [])
            numbered = (slug(words) + (f"-{number}" if number else "") for number in count())
            found.add(next(name for name in numbered if name not in found))
    return found


def links(text: str) -> list[str]:
    """Where the links and images of a page lead."""
    inlines = [part for token in MARKDOWN.parse(text) for part in token.children or []]
    targets = [part.attrGet("href") or part.attrGet("src") for part in inlines]
    return [str(target) for target in targets if target]


def dead_links(page: Path) -> list[str]:
    """The links of a page that lead to nothing in this repository; those to elsewhere are not followed."""
    text = page.read_text("utf-8")
    return [target for target in links(text) if not re.match(r"[a-z]+:", target) and is_dead(page, target)]


def is_dead(page: Path, target: str) -> bool:
    path, _, anchor = unquote(target).partition("#")
    there = (page.parent / path).resolve() if path else page
    return not there.exists() or (bool(anchor) and anchor not in anchors(there.read_text("utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_of_a_page_leads_somewhere(page):
    """A file that is linked to is there, and the heading too, by the name that it is linked by."""
    assert dead_links(page) == []


@pytest.mark.parametrize(
    "link",
    [
        "[a](no-page.md)",
        "[a](page.md#no-heading)",
        "[a](#no-heading)",
        "![a](no-picture.svg)",
        "[a][1]\n\n[1]: no-page.md",
        "| a |\n|---|\n| [a](no-page.md) |",
    ],
)
def test_a_dead_link_is_found(link, tmp_path):
    """A page, a heading and a picture that are not there are found, however the link is written."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n## The heading\n\n{link}\n")
    assert len(dead_links(page)) == 1


@pytest.mark.parametrize(
    "link",
    [
        "[a](page.md#two-words-code-and-more)",
        "[a](#again-1)",
        "[a](https://example.com/nowhere#at-all)",
        "`[a](no-page.md)`",
        "```text\n[a](no-page.md)\n```",
    ],
)
def test_a_link_that_leads_somewhere_passes(link, tmp_path):
    """Headings are known by the names that readers' programs give them; code is no link."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n## Two words, `code` and *more*\n\n## Again\n\n## Again\n\n{link}\n")
    assert dead_links(page) == []


def test_every_page_of_the_docs_is_led_to():
    """A page is linked to from another one, so that whoever begins at the README comes to it."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            paths = [unquote(target).partition("#")[0] for target in links(page.read_text("utf-8"))]
            waiting += [(page.parent / path).resolve() for path in paths if path and ":" not in path]
    assert [named(page) for page in PAGES if page not in reached] == []
