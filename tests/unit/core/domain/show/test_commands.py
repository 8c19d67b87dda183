"""The host's commands, and ads, change the show."""

from uuid import UUID

import pytest
from attrs import evolve

from showtime_core.domain.events import ShowCommanded, ShowCommandName
from showtime_core.domain.show.commands import AdsBegan, apply_change
from showtime_core.domain.show.queue import Modes, Pause, QueuedAlert, Show
from showtime_core.errors import Refused
from showtime_core.testing.entries import at

SHOW = Show(at(5), cursor=0, read_until=1)


def command(name, alert_id=None):
    return ShowCommanded(UUID(int=1), ShowCommandName(name), alert_id)


def test_ads_hold_until_the_last_of_them_is_over():
    """Breaks that overlap hold until the later end; a channel without a queue holds nothing."""
    show = apply_change(apply_change(SHOW, AdsBegan(at(8))), AdsBegan(at(7)))
    assert show.modes.ads_until == at(8)
    without = evolve(SHOW, cursor=None)
    assert apply_change(without, AdsBegan(at(8))) == without


def test_a_pause_is_remembered_with_its_times():
    """A pause lasts from the first command to the first that ends it; others between change nothing."""
    show = apply_change(apply_change(SHOW, command("pause")), command("resume"))
    assert show.modes == Modes(pauses=(Pause(at(5), at(5)),))
    paused = apply_change(SHOW, command("pause"))
    later = apply_change(evolve(paused, now=at(9)), command("pause"))
    assert later.modes.paused_since == at(5)
    assert apply_change(SHOW, command("resume")).modes == Modes()


@pytest.mark.parametrize("name", list(ShowCommandName))
def test_every_command_needs_a_queue(name):
    """Without a queue every command is refused, and says what to do."""
    with pytest.raises(Refused, match="there is no queue: make an overlay secret first"):
        apply_change(evolve(SHOW, cursor=None), command(name))


def test_an_alert_that_waits_is_not_shown_again():
    """To show again what waits, or is held, would play it twice: it is refused."""
    alert = QueuedAlert(1, "follow", at(4))
    show = evolve(SHOW, arrivals=(alert,))
    with pytest.raises(Refused, match="it waits already"):
        apply_change(show, command("show-again", 1), alert)
    held = apply_change(show, command("hold", 1), alert)
    with pytest.raises(Refused, match="it is held: release it"):
        apply_change(held, command("show-again", 1), alert)
