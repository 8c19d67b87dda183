"""What Sphinx is told: how the site is made of the pages that `build.py` has gathered."""

from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

_log = getLogger(__name__)

project = "showtime"
html_title = "showtime"
author = "Golden VCR"
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "index"
exclude_patterns = ["deploy/**"]
nitpicky = False  # types of others are no pages of ours

# As the pages are shown elsewhere: every heading can be linked to, and by the same name.
myst_heading_anchors = 6

# Docstrings write code in single backticks.
default_role = "code"
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "member-order": "bysource",
}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

_BLUE, _BLUE_LIGHT = "#1420c4", "#8fa2ff"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": _BLUE,
        "color-brand-content": _BLUE,
        "color-highlight-on-target": "#e7e9ff",
    },
    "dark_css_variables": {
        "color-brand-primary": _BLUE_LIGHT,
        "color-brand-content": _BLUE_LIGHT,
        "color-highlight-on-target": "#252039",
        "color-background-primary": "#0f0d1a",
        "color-background-secondary": "#181528",
        "color-background-hover": "#252039",
        "color-background-border": "#3b3558",
        "color-foreground-primary": "#f3effc",
        "color-foreground-secondary": "#bdb5d8",
        "color-foreground-muted": "#9a92b8",
    },
}

# Fields of many values have one name, such as `type`: which one an annotation means, nobody can tell.
suppress_warnings = ["ref.python"]


def keep_drawings(*told: list[str]) -> None:
    """Say of what is indented in a docstring that it is to be shown as it stands."""
    lines = told[-1]
    for number in range(len(lines) - 1, 0, -1):
        begins = lines[number].startswith("    ") and not lines[number - 1].strip()
        if begins and not any(line.startswith("    ") for line in lines[number - 2 : number - 1]):
            lines[number:number] = ["::", ""]


def require_docstring(_app: Sphinx, what: str, name: str, thing: object, *told: list[str]) -> None:
    """Warn of a public name that says nothing of itself; a field may leave that to its class."""
    is_imported = not name.startswith(getattr(thing, "__module__", name))
    if what != "attribute" and not is_imported and not "".join(told[-1]).strip():
        _log.warning("%s %s has no docstring", what, name)


def setup(app: Sphinx) -> None:
    """Be called by Sphinx before it begins."""
    app.connect("autodoc-process-docstring", require_docstring)
    app.connect("autodoc-process-docstring", keep_drawings)
