"""The shapes of what the streams say are those of what is written."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from showtime_adapters.json_schemas import json_schemas
from showtime_adapters.wire import ALERT_TYPES, alert_document, chat_document, snapshot_document
from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.chat import ChatMessage, Clear, Deletion

SHAPES = {name: Draft202012Validator(shape) for name, shape in json_schemas().items()}
ALERTS = st.one_of([st.builds(cls) for cls in ALERT_TYPES])
LINES = st.one_of(st.builds(ChatMessage), st.builds(Deletion), st.builds(Clear))
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones())  # noqa: DTZ001 - UTC has them too
SNAPSHOTS = st.builds(
    Snapshot,
    broadcast_started_at=st.none() | TIMES,
    screening_tape_id=st.none() | st.integers(),
    screening_started_at=st.none() | TIMES,
)


def on_the_wire(document):
    return json.loads(json.dumps(document))


@given(alert=ALERTS, line=LINES, snapshot=SNAPSHOTS)
def test_whatever_is_written_has_its_shape(alert, line, snapshot):
    """Every alert, every line of chat and every state fits its schema."""
    SHAPES["Alert"].validate(on_the_wire(alert_document(alert)))
    SHAPES["ChatLine"].validate(on_the_wire(chat_document(line)))
    SHAPES["State"].validate(on_the_wire(snapshot_document(snapshot)))


@given(alert=ALERTS, data=st.data())
def test_a_field_more_or_less_has_another(alert, data):
    """The shapes are exact: an alert that lacks a field, or has one too many, does not fit."""
    document = on_the_wire(alert_document(alert))
    fields = document["data"]
    if data.draw(st.booleans()):
        fields["applause"] = 11
    else:
        del fields[data.draw(st.sampled_from(sorted(fields)))]
    with pytest.raises(ValidationError):
        SHAPES["Alert"].validate(document)


def test_every_type_of_alert_has_a_shape():
    """Every type of alert has one schema of the union, by its name on the wire."""
    names = [shape["properties"]["type"]["const"] for shape in json_schemas()["Alert"]["oneOf"]]
    assert names == [*ALERT_TYPES.values()]
