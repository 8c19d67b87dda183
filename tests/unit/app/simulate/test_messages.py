"""How messages are made, and how they are got wrong on purpose."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_app.simulate import timestamps
from showtime_app.simulate.catalogue import event_type
from showtime_app.simulate.challenge import CallbackCheck
from showtime_app.simulate.deliveries import DeliveryContext, DeliveryOptions, deliveries
from showtime_app.simulate.event_options import EventOptions
from showtime_app.simulate.messages import Address, Flaw, sign

SECRET = "be kind, rewind"
NOW = 1_795_000_000_123_456_780
URL = "http://127.0.0.1:5001/callback"
MESSAGE = "Twitch-Eventsub-Message-"


def source():
    return DeliveryContext.seeded(Address(URL, SECRET), 1, lambda: NOW)


def sent(name="cheer", options=None, **delivery):
    return list(
        deliveries(event_type(name), options or EventOptions(), DeliveryOptions(**delivery), source())
    )


def header(request, name):
    return dict(request.headers).get(MESSAGE + name)


def verifies(request):
    signed = f"{header(request, 'Id')}{header(request, 'Timestamp')}".encode() + request.body
    expected = "sha256=" + hmac.digest(SECRET.encode(), signed, hashlib.sha256).hex()
    return header(request, "Signature") == expected


def test_a_known_signature():
    """The signature agrees with one that was computed with another program (openssl)."""
    made = sign("s3cre77890ab", "e76c6bd4", "2019-11-16T10:11:12.634234626Z", b'{"event":{}}')
    assert made == "sha256=719e561dcccf0df0ea4583bf9ec09169d9e13a6c81f762489f12baa2212ea7d1"


def test_a_resend_changes_the_counter_alone():
    """A resend keeps id, timestamp, body and signature; only the retry counter rises."""
    first, *again = sent(resend=3, retry=1)
    assert [header(one, "Retry") for one in (first, *again)] == ["1", "2", "3", "4"]
    for one in again:
        assert one.body == first.body
        assert [header(one, key) for key in ("Id", "Timestamp", "Signature")] == [
            header(first, key) for key in ("Id", "Timestamp", "Signature")
        ]


def test_a_repetition_is_another_message():
    """What happens again is a new message with a new id."""
    assert len({header(one, "Id") for one in sent(repeat=50)}) == 50


def test_the_message_id_of_a_gift_is_not_shared():
    """An id that is given belongs to the gift; its recipients' messages have their own."""
    gift, *rest = sent("channel-gift", EventOptions(total=5), event_id="vhs-1")
    assert header(gift, "Id") == "vhs-1"
    assert "vhs-1" not in {header(one, "Id") for one in rest}


@pytest.mark.parametrize(
    ("flaw", "words", "signed", "in_window", "is_json"),
    [
        (Flaw.STALE, "400", True, False, True),
        (Flaw.FUTURE, "400", True, False, True),
        (Flaw.FORGED, "400", False, True, True),
        (Flaw.UNSIGNED, "400", False, True, True),
        (Flaw.MALFORMED, "400", True, True, False),
        (Flaw.OVERSIZED, "413", True, True, True),
        (None, "2xx", True, True, True),
    ],
)
def test_one_thing_is_wrong_at_a_time(flaw, words, signed, in_window, is_json):
    """A flawed message is in order but for its flaw, so that its refusal proves that one rule."""
    (request,) = sent(flaw=flaw)
    assert request.expected.words == words
    assert verifies(request) == signed
    assert timestamps.in_window(header(request, "Timestamp"), NOW) == in_window
    try:
        json.loads(request.body)
    except ValueError:
        assert not is_json
    else:
        assert is_json
    assert (len(request.body) > 1024 * 1024) == (flaw is Flaw.OVERSIZED)
    assert (header(request, "Signature") is None) == (flaw is Flaw.UNSIGNED)


def test_a_timestamp_of_ones_own_is_judged_by_the_window():
    """A message of another time is to be refused, unless its id may be known already."""
    old = timestamps.written(NOW - 601 * timestamps.SECOND)
    edge = timestamps.written(NOW - 600 * timestamps.SECOND)
    assert sent(timestamp=old)[0].expected.words == "400"
    assert sent(timestamp=edge)[0].expected.words == "2xx"
    assert {204, 400} <= sent(timestamp=old, event_id="vhs-1")[0].expected.statuses
    assert header(sent(timestamp="2026-10-31T20:00:00.5Z")[0], "Timestamp") == "2026-10-31T20:00:00.5Z"


def test_a_revocation_names_its_reason_and_carries_no_event():
    """A revocation is the subscription alone, with the reason as its status."""
    (request,) = sent("channel-gift", status="user_removed")
    body = json.loads(request.body)
    assert header(request, "Type") == "revocation"
    assert body.keys() == {"subscription"}
    assert body["subscription"]["status"] == "user_removed"


def test_a_challenge_comes_before_the_subscription_is_enabled():
    """A challenge carries its text beside a pending subscription; the false ones are not signed."""
    examination = CallbackCheck.of(event_type("streamup"), source())
    body = json.loads(examination.true.body)
    assert body.keys() == {"subscription", "challenge"}
    assert body["challenge"] == examination.text
    assert body["subscription"]["status"] == "webhook_callback_verification_pending"
    assert header(examination.true, "Type") == "webhook_callback_verification"
    assert verifies(examination.true)
    assert not any(verifies(one) for one in examination.false)


def test_half_a_character_is_sent_as_an_escape():
    """What has no UTF-8 is sent in a form that JSON has for it, and the signature fits."""
    (request,) = sent(options=EventOptions(message="\ud83d"))
    assert json.loads(request.body)["event"]["message"] == "\ud83d"
    assert verifies(request)


def test_secrets_stay_out_of_representations():
    """Nobody who prints an address reads its secret."""
    assert SECRET not in repr(source())


@given(st.integers(0, 4_000_000_000 * timestamps.SECOND))
def test_timestamps_are_read_as_they_were_written(nanoseconds):
    """Nine digits of a second survive writing and reading."""
    assert timestamps.read(timestamps.written(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("nonsense", ["yesterday", "2026-10-31 20:00:00Z", "2026-10-31T20:00:00+01:00", ""])
def test_only_twitchs_form_of_a_timestamp_is_read(nonsense):
    """A timestamp that Twitch would not write is a mistake of the one who gave it."""
    with pytest.raises(ValueError, match="no timestamp"):
        timestamps.read(nonsense)
