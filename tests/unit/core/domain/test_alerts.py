"""What the overlay shows is a closed union."""

import inspect
from typing import get_args

import pytest
from attrs import has

from showtime_core.domain import alerts


def test_every_kind_of_alert_is_in_the_union():
    """Whoever handles each member of the union, as the wire does, has handled all there are."""
    defined = {cls for _, cls in inspect.getmembers(alerts, has) if cls.__module__ == alerts.__name__}
    assert set(get_args(alerts.Alert)) == defined


def test_an_alert_names_people_as_they_are_seen_and_holds_no_ids():
    """What is shown to everybody has no field from which an account could be told."""
    fields = {name for cls in get_args(alerts.Alert) for name in inspect.get_annotations(cls)}
    assert {name for name in fields if name.endswith("id") or "login" in name} == set()


@pytest.mark.parametrize("written", ["", "👻" * 2000, "👻" * 900_000], ids=len)
def test_of_a_message_no_more_is_shown_than_2000_characters(written):
    """An alert shows the first 2,000 characters of a message, and all of a shorter one."""
    cheer = alerts.CheerAlert("Marge", 7, written)
    month = alerts.SubscribeAlert("Marge", is_gift=False, num_cumulative_months=7, message=written)
    assert cheer.message == month.message == written[:2000]
