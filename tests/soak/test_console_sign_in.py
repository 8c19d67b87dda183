"""Signing in at a desk."""

from integration import test_console_sign_in as short

database = short.database
served = short.served


def test_a_sign_in_that_fails_is_told_at_a_desk(served):
    """What is said on a phone is said at a desk."""
    short.test_a_sign_in_that_fails_says_what_to_do_on_a_page_of_the_house(served, short.DESK)
