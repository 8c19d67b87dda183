"""`showtime settings`: what is in force, and where it comes from."""

import click

from showtime_app.cli.common import load_settings
from showtime_core.texts import printable

_HIDDEN = "●●●"


@click.command()
def settings() -> None:
    """Print the settings that are in force, and where each comes from: environment, .env or default.

    Secrets are printed as ●●●, and what is not set as -. The warnings and mistakes are those of `serve`.
    """
    from showtime_app.config import Settings
    from showtime_app.setting_sources import find_given

    given = find_given(Settings.model_fields)
    in_force = load_settings(given)
    width = max(map(len, Settings.model_fields))
    for name in Settings.model_fields:
        value = _shown(getattr(in_force, name))
        click.echo(f"{name.upper():{width}}  {given.origins.get(name, 'default'):11}  {value}")


def _shown(value: object) -> str:
    from pydantic import SecretStr

    if isinstance(value, tuple):
        return ",".join(map(_shown, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return _HIDDEN if isinstance(value, SecretStr) else "-" if value in (None, "") else printable(str(value))
