"""The console as a dock of OBS, which is narrower than a phone."""

from integration import test_console as short

desk = short.desk
console = short.console


def test_the_dock_is_open_to_everybody(console):
    """What is so on a phone and at a desk is so at 360 pixels too."""
    short.assert_every_state_is_open(console, short.DOCK)
