"""Where the program `showtime` begins, with or without what it needs."""

import sys

_OURS = ("showtime_core", "showtime_adapters", "showtime_app")


def main() -> None:
    """Run the command line; say what to install where only the core is there."""
    try:
        from showtime_app.cli.main import main as run

        run()
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith(_OURS):
            raise
        sys.exit(
            f"showtime: {missing.name} is not installed. The service needs more than the rules do: "
            "pip install '.[server]' in a checkout, or '.[dev]' to run it by itself on this machine"
        )
