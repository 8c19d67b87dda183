"""What both pictures are made of: boxes with texts and lines between them, in light and dark."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

WIDTH = 760
MARGIN = 20
CHARACTER = 7.9
"""How wide a character of the names is, in pixels: they have one width."""

_STYLE = """
:root { --page: #fbfaff; --ink: #1c1830; --dim: #5b5478; --line: #8a82ac; --hair: #d4cfe6;
  --app: #dfe4ff; --adapters: #efe4f8; --core: #d9f3e6; --box: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0f0d1a; --ink: #f3effc; --dim: #bdb5d8; --line: #8a82ac; --hair: #3b3558;
    --app: #1a1f4d; --adapters: #2d2042; --core: #14342a; --box: #181528; }
}
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: var(--ink); }
.name { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.title { font-size: 16px; font-weight: 600; }
.dim { fill: var(--dim); font-size: 13px; }
.box { fill: var(--box); stroke: var(--hair); }
.app { fill: var(--app); } .adapters { fill: var(--adapters); } .core { fill: var(--core); }
.line { fill: none; stroke: var(--line); }
.tip { fill: var(--line); }
.page { fill: var(--page); }
"""


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    """Write words on one line; `y` is where they stand."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    """Draw a box with round corners."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" class="{kind}"/>'


def arrow(points: str) -> str:
    """Draw a line along a path of SVG, with a head at its end."""
    return f'<path d="{points}" class="line" marker-end="url(#head)"/>'


def picture(title: str, description: str, height: float, parts: Iterable[str]) -> str:
    """Put parts together to a file that shows itself, and tells a reader of screens what it shows."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}"'
        f' height="{height:g}" role="img" aria-labelledby="title description">'
    )
    marker = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
        ' orient="auto"><path d="M0 0L8 4L0 8z" class="tip"/></marker></defs>'
    )
    told = f'<title id="title">{escape(title)}</title>\n<desc id="description">{escape(description)}</desc>'
    style = f"<style>{_STYLE}</style>"
    return "\n".join([head, told, style, marker, box(0, 0, WIDTH, height, "page"), *parts, "</svg>\n"])
