"""The page of the settings says of every setting what the code says."""

import re
from pathlib import Path

from pydantic import SecretStr

from showtime_app.config import Settings

PAGE = (Path(__file__).parents[3] / "docs/reference/settings.md").read_text("utf-8")
SECTION = re.compile(r"^## ", re.MULTILINE)
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def rows() -> dict[str, str]:
    """Setting → default, as the page has them in the tables of settings."""
    tables = [section for section in SECTION.split(PAGE) if "| setting | default |" in section]
    return {name: default for table in tables for name, default, _ in ROW.findall(table)}


def written(default: object) -> str:
    """A default as the page writes it."""
    if default in (None, ()):
        return "none"
    assert not isinstance(default, SecretStr)
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_setting_is_on_the_page_with_its_default():
    """The page has every setting and no other, each with the default that counts."""
    expected = {
        name.upper(): written(field.get_default(call_default_factory=True))
        for name, field in Settings.model_fields.items()
    }
    assert rows() == expected
