"""The ways into the console at a desk, where a page has room for more."""

from integration import test_console_doors as short

database = short.database
served = short.served
laptop = short.laptop


def test_states_of_which_there_is_little_to_see_are_open_at_a_desk(laptop):
    """What is so on a phone is so at a desk."""
    short.test_states_of_which_there_is_little_to_see_are_open_to_everybody(laptop, short.DESK)
