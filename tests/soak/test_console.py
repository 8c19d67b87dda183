"""The console at a desk, and as a dock of OBS, which is narrower than a phone."""

from integration import test_console as short

desk = short.desk
console = short.console


def test_a_night_is_run_from_a_desk(console):
    """What is run from a phone is run from a desk too."""
    short.test_a_night_is_run_from_the_console_alone(console, short.DESK)


def test_every_key_is_reached_by_tab_at_a_desk(console):
    """What is reached by tab on a phone is reached at a desk, and seen."""
    short.test_every_key_is_reached_by_tab_and_seen(console, short.DESK)


def test_the_desk_is_open_to_everybody(console):
    """What is so on a phone is so at a desk."""
    short.assert_every_state_is_open(console, short.DESK)


def test_the_dock_is_open_to_everybody(console):
    """What is so on a phone and at a desk is so at 360 pixels too."""
    short.assert_every_state_is_open(console, short.DOCK)
