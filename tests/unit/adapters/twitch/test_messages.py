"""What EventSub messages say: every type's fields, what may be null, and what is malformed."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_adapters.twitch.fields import read_time
from showtime_adapters.twitch.messages import NotJsonError, read_again, read_entry, read_json
from showtime_core.domain import events
from showtime_core.domain.journal import Entry, Malformed, Unknown
from showtime_core.domain.viewers import Viewer
from support.twitch import CHANNEL

SENT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
STARTED = datetime(2026, 11, 21, 1, 59, 58, 123456, tzinfo=UTC)
STARTED_TEXT = "2026-11-21T01:59:58.123456789Z"
TINA = Viewer("7701", "tapehead_tina", "Tapehead_Tina")
WHO = {"user_id": "7701", "user_login": "tapehead_tina", "user_name": "Tapehead_Tina"}
NOBODY = {"user_id": None, "user_login": None, "user_name": None}
EMPTY = {"user_id": "", "user_login": "", "user_name": ""}
RAIDER = {f"from_broadcaster_{name}": value for name, value in WHO.items()}
CHATTER = {f"chatter_{name}": value for name, value in WHO.items()}
EMOTES = [{"begin": 0, "end": 4, "id": "305954156"}]
REWARD = {"id": "9c1b", "title": "Rewind", "prompt": "", "cost": 150}
TRAIN = {"id": "choo-1", "total": 137, "progress": 137, "goal": 500, "level": 2, "type": "regular"}

KNOWN: dict[str, tuple[dict[str, Any], events.Event]] = {
    "stream.online": (
        {"id": "9001", "type": "live", "started_at": STARTED_TEXT},
        events.StreamOnline("9001", "live", STARTED, SENT),
    ),
    "stream.offline": ({"id": "9001"}, events.StreamOffline(SENT, "9001")),
    "channel.follow": (WHO | {"followed_at": STARTED_TEXT}, events.Follow(TINA, STARTED)),
    "channel.raid": (RAIDER | {"viewers": 0}, events.Raid(TINA, 0)),
    "channel.cheer": (
        WHO | {"is_anonymous": False, "message": "Cheer250 ghost of a cat", "bits": 250},
        events.Cheer(TINA, 250, "Cheer250 ghost of a cat"),
    ),
    "channel.bits.use": (
        WHO
        | {"bits": 250, "type": "power_up", "message": {"text": "ghost of a cat", "fragments": []}}
        | {"power_up": {"type": "celebration", "emote": None, "message_effect_id": None}},
        events.PowerUp(TINA, 250, "ghost of a cat"),
    ),
    "channel.custom_power_up_redemption.add": (
        WHO
        | {"id": "r1", "user_input": "ghost of a cat", "status": "unfulfilled", "redeemed_at": STARTED_TEXT}
        | {"custom_power_up": {"id": "p1", "title": "Rewind", "bits": 250, "prompt": ""}},
        events.Redemption("r1", TINA),
    ),
    "channel.ad_break.begin": (
        {"duration_seconds": 90, "started_at": STARTED_TEXT, "is_automatic": True},
        events.AdBreak(STARTED, STARTED + timedelta(seconds=90), is_automatic=True),
    ),
    "channel.chat.notification": (
        CHATTER
        | {"message_id": "cc11", "notice_type": "announcement", "announcement": {"color": "PURPLE"}}
        | {"message": {"text": "be kind", "fragments": []}, "color": ""},
        events.ChatMessageSent("cc11", TINA, "", "be kind"),
    ),
    "channel.subscribe": (
        WHO | {"tier": "2000", "is_gift": True},
        events.SubscriptionStart(TINA, "2000", is_gift=True, sent_at=SENT),
    ),
    "channel.subscription.message": (
        WHO
        | {"tier": "1000", "message": {"text": "Kappa hi", "emotes": EMOTES}}
        | {"cumulative_months": 15, "streak_months": 1, "duration_months": 6},
        events.Resubscription(TINA, "1000", 15, "Kappa hi", SENT),
    ),
    "channel.subscription.gift": (
        WHO | {"total": 5, "tier": "3000", "cumulative_total": 284, "is_anonymous": False},
        events.GiftedSubscriptions(TINA, "3000", 5),
    ),
    "channel.subscription.end": (WHO | {"tier": "1000", "is_gift": False}, events.SubscriptionEnd(TINA)),
    "channel.update": (
        {"title": "Tape night", "category_name": "Retro"},
        events.ChannelUpdate("Tape night", "Retro"),
    ),
    "channel.hype_train.begin": (
        TRAIN | {"started_at": STARTED_TEXT},
        events.HypeTrainUpdate("choo-1", events.HypeTrainPhase.BEGIN, 2, 137, 500, STARTED),
    ),
    "channel.hype_train.progress": (
        TRAIN | {"started_at": STARTED_TEXT},
        events.HypeTrainUpdate("choo-1", events.HypeTrainPhase.PROGRESS, 2, 137, 500, STARTED),
    ),
    "channel.hype_train.end": (
        {"id": "choo-1", "total": 137, "level": 2, "started_at": STARTED_TEXT},
        events.HypeTrainUpdate("choo-1", events.HypeTrainPhase.END, 2, started_at=STARTED),
    ),
    "channel.channel_points_custom_reward_redemption.add": (
        WHO | {"id": "17fa", "user_input": "", "status": "unfulfilled", "reward": REWARD},
        events.Redemption("17fa", TINA),
    ),
    "channel.chat.message": (
        CHATTER | {"message_id": "cc10", "color": "#FF7F50", "message": {"text": "hi"}},
        events.ChatMessageSent("cc10", TINA, "#FF7F50", "hi"),
    ),
    "channel.chat.message_delete": (
        {"message_id": "cc10", "target_user_id": "7701"},
        events.ChatMessageDeleted("cc10"),
    ),
    "channel.chat.clear": ({}, events.ChatCleared()),
    "channel.chat.clear_user_messages": ({"target_user_id": "7701"}, events.ChatUserSilenced("7701")),
}
REVOCATION = {"twitch-eventsub-message-type": "revocation"}


def read(event_type: object, event: object, headers: dict[str, str] | None = None, **others: object) -> Entry:
    document = {"subscription": {"type": event_type, "version": "1", **others}, "event": event}
    return read_entry(headers or {}, "e76c6bd4", SENT, b"", document)


def changed(event_type: str, **fields: Any) -> Any:
    """Read an event of this type with some fields changed; `...` leaves one out."""
    event = {name: value for name, value in (KNOWN[event_type][0] | fields).items() if value is not ...}
    return read(event_type, event).content


@pytest.mark.parametrize("event_type", KNOWN)
def test_every_type_becomes_its_event(event_type):
    """The fields of Twitch's reference become the core's event; those that are not used are passed over."""
    event, expected = KNOWN[event_type]
    assert read(event_type, CHANNEL | event | {"yet_to_be_invented": [1]}).content == expected


@pytest.mark.parametrize("headers", [{}, REVOCATION], ids=["notification", "revocation"])
@pytest.mark.parametrize("event_type", KNOWN)
def test_what_the_journal_keeps_says_the_same_when_it_is_read_again(event_type, headers):
    """A body that was kept is read to the same content, of a notification and of a revocation."""
    document = {"subscription": {"type": event_type, "status": "user_removed"}, "event": KNOWN[event_type][0]}
    first = read_entry(headers, "e76c6bd4", SENT, json.dumps(document).encode(), document)
    assert read_again(attrs.evolve(first, content=Unknown())) == first


HEADERS = {
    "twitch-eventsub-subscription-type": "channel.raid",
    "twitch-eventsub-subscription-version": "2",
    "twitch-eventsub-message-retry": "3",
}


@pytest.mark.parametrize(
    ("document", "headers", "told"),
    [
        ({"subscription": {"type": "channel.cheer", "version": "1"}}, HEADERS, ("channel.cheer", "1", 3)),
        ({"subscription": {"type": 7, "version": None}}, HEADERS, ("channel.raid", "2", 3)),
        ({"subscription": []}, HEADERS, ("channel.raid", "2", 3)),
        ([], HEADERS, ("channel.raid", "2", 3)),
        ({}, {}, ("", "", 0)),
    ],
)
def test_the_body_tells_type_and_version_and_else_the_headers_do(document, headers, told):
    """Only the body is signed: what headers say of type and version counts where the body says nothing."""
    entry = read_entry(headers, "e76c6bd4", SENT, b"", document)
    assert (entry.type, entry.version, entry.retry) == told


def test_a_body_that_is_no_object_is_malformed():
    """JSON that is no object is kept, with the reason why nothing follows from it."""
    assert read_entry({}, "e76c6bd4", SENT, b"[]", []).content == Malformed("the body is not a JSON object")


def test_a_power_up_may_cost_a_single_bit():
    """One bit is the least that anybody can spend."""
    assert changed("channel.bits.use", bits=1).bits == 1
    assert "'bits'" in changed("channel.bits.use", bits=0).reason


@pytest.mark.parametrize("nobody", [NOBODY, EMPTY, dict.fromkeys(NOBODY, ...)], ids=["null", "empty", "none"])
def test_who_is_anonymous_has_no_name(nobody):
    """An anonymous cheer or gift has null for a user, or empty texts where it is simulated: nobody."""
    assert changed("channel.cheer", is_anonymous=True, **nobody).viewer is None
    assert changed("channel.subscription.gift", is_anonymous=True, **nobody).viewer is None


def test_nulls_are_read_where_the_reference_allows_them():
    """Null emotes, streaks, totals and messages are no mistake."""
    message = {"text": "hi", "emotes": None}
    assert changed("channel.subscription.message", message=message, streak_months=None).message == "hi"
    assert changed("channel.subscription.message", message=None).message == ""
    assert changed("channel.subscription.gift", cumulative_total=None).total == 5
    assert changed("channel.hype_train.begin", shared_train_participants=None).level == 2
    assert changed("channel.cheer", message=None).message == ""


@pytest.mark.parametrize("started_at", ["", None, ...])
def test_a_hype_train_may_not_say_when_it_began(started_at):
    """A hype train is shown with its level although it does not say when it began."""
    assert changed("channel.hype_train.end", started_at=started_at) == events.HypeTrainUpdate(
        "choo-1", events.HypeTrainPhase.END, 2
    )


@pytest.mark.parametrize(
    ("expires_at", "read_as"),
    [(STARTED_TEXT, STARTED), ("soon", None), ("", None), (None, None), (5, None), (..., None)],
)
def test_a_hype_train_is_read_whenever_it_expires(expires_at, read_as):
    """When a hype train expires is read where Twitch says it, and nothing is lost where it does not."""
    train = changed("channel.hype_train.progress", expires_at=expires_at)
    assert (train.level, train.expires_at) == (2, read_as)


@pytest.mark.parametrize("stream_id", ["", None, ...])
def test_an_end_may_not_say_of_which_stream_it_is(stream_id):
    """Until June 2026 no end of a stream had an id, and such messages are still read."""
    assert changed("stream.offline", id=stream_id) == events.StreamOffline(SENT)


@pytest.mark.parametrize("name", ["", " ", "\u200b", None, ...])
def test_without_a_display_name_the_login_is_shown(name):
    """A viewer whose display name is empty or blank goes by the login."""
    assert changed("channel.follow", user_name=name).viewer.name == "tapehead_tina"
    assert changed("channel.chat.message", chatter_user_name=name).writer.name == "tapehead_tina"


def test_a_viewer_without_a_name_that_can_be_seen_is_nobody():
    """A viewer of whom neither login nor display name can be seen is malformed."""
    assert "both empty" in changed("channel.follow", user_name=" ", user_login="\u200b").reason


@pytest.mark.parametrize(
    ("event_type", "field"),
    [
        ("stream.online", "id"),
        ("stream.online", "type"),
        ("stream.online", "started_at"),
        ("channel.follow", "user_id"),
        ("channel.follow", "followed_at"),
        ("channel.raid", "from_broadcaster_user_id"),
        ("channel.raid", "viewers"),
        ("channel.cheer", "user_id"),
        ("channel.cheer", "bits"),
        ("channel.subscribe", "user_id"),
        ("channel.subscribe", "tier"),
        ("channel.subscription.message", "tier"),
        ("channel.subscription.message", "cumulative_months"),
        ("channel.subscription.gift", "user_id"),
        ("channel.subscription.gift", "total"),
        ("channel.subscription.end", "user_id"),
        ("channel.hype_train.begin", "id"),
        ("channel.hype_train.end", "level"),
        ("channel.channel_points_custom_reward_redemption.add", "id"),
        ("channel.chat.message", "message_id"),
        ("channel.chat.message", "chatter_user_id"),
        ("channel.chat.message_delete", "message_id"),
        ("channel.chat.clear_user_messages", "target_user_id"),
    ],
)
@pytest.mark.parametrize("value", [..., None, "", [], {}, True, 1.5], ids=str)
def test_what_is_missing_or_mistyped_is_named(event_type, field, value):
    """A known type without a field it must have, or with another type in it, is malformed, and names it."""
    content = changed(event_type, **{field: value})
    assert isinstance(content, Malformed)
    assert f"'{field}'" in content.reason


@pytest.mark.parametrize(
    ("event_type", "field", "least"),
    [
        ("channel.cheer", "bits", 1),
        ("channel.raid", "viewers", 0),
        ("channel.subscription.gift", "total", 1),
        ("channel.subscription.message", "cumulative_months", 0),
        ("channel.hype_train.begin", "level", 0),
    ],
)
def test_counts_fit_32_bits(event_type, field, least):
    """A count below its least or beyond 32 bits is malformed, and names its field; the ends are fine."""
    for fine in (least, 2**31 - 1):
        assert not isinstance(changed(event_type, **{field: fine}), Malformed)
    for off in (least - 1, 2**31, 2**63, -(2**70), 10**400, float("inf"), float("nan")):
        assert f"'{field}'" in changed(event_type, **{field: off}).reason


@pytest.mark.parametrize(
    "value", ["soon", "2026-11-21T02:00:00", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "9" * 500]
)
def test_a_time_that_is_none_is_named(value):
    """A time that is no time, or names no time zone, or is the year 1 of what was never set, is malformed."""
    assert "'followed_at'" in changed("channel.follow", followed_at=value).reason


@pytest.mark.parametrize(
    ("text", "microsecond"), [("", 0), (".5", 500_000), (".123456", 123_456), (".123456789", 123_456)]
)
def test_times_are_read_to_the_microsecond(text, microsecond):
    """Up to nine digits of a second may be there; what is beyond microseconds is dropped."""
    assert read_time(f"2026-11-21T02:00:00{text}Z") == SENT.replace(microsecond=microsecond)
    assert read_time(f"2026-11-20T21:00:00{text}-05:00") == SENT.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-11-21T02:00:00", "^it names no time zone$"),
        ("9999-12-31T23:59:59-12:00", "^it is out of range$"),
    ],
)
def test_a_time_without_zone_or_out_of_range_is_none(text, reason):
    """Whoever reads of it is told which of the two it is."""
    with pytest.raises(ValueError, match=reason):
        read_time(text)
    assert read_time("2026-11-21T02:00:00z").tzinfo is UTC


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("NUL \0 here", "NUL  here"),
        ("half \ud83d a pair", "half  a pair"),
        ("\udc7b\ud83d", ""),
        ("a ghost 👻 of a ⱺ", "a ghost 👻 of a ⱺ"),
        ("  white\tspace\r\n ", "  white\tspace\r\n "),
    ],
)
def test_what_a_database_cannot_hold_is_dropped(written, kept):
    """Viewers' text loses NUL and halves of surrogate pairs, and nothing else; a name its blank edges."""
    assert changed("channel.cheer", message=written).message == kept
    assert changed("channel.follow", user_name=written).viewer.display_name == kept.strip()


def test_a_name_of_nothing_but_rubbish_is_malformed():
    """A viewer of whose names nothing is left has no name to show."""
    assert "user_login" in changed("channel.follow", user_name="\0", user_login="\ud83d").reason


def test_what_is_not_known_is_kept():
    """Types, kinds and tiers that Twitch has yet to invent are no mistake."""
    assert read("channel.tape.rewound", None).content == Unknown()
    assert changed("stream.online", type="seance").kind == "seance"
    assert changed("channel.subscribe", tier="Prime").tier == "Prime"


@pytest.mark.parametrize("document", [None, 7, "tape", [], {}, {"subscription": []}, {"subscription": {}}])
@pytest.mark.parametrize("headers", [{}, REVOCATION])
def test_a_body_without_subscription_is_malformed(document, headers):
    """A body that is JSON, but tells no subscription, is kept as malformed under the type of its header."""
    headers = headers | {"twitch-eventsub-subscription-type": "channel.cheer"}
    entry = read_entry(headers, "e76c6bd4", SENT, b"", document)
    assert isinstance(entry.content, Malformed)
    assert entry.type == "channel.cheer"


@pytest.mark.parametrize("event", [None, [], "live", 1])
def test_a_known_type_has_an_event(event):
    """A notification of a known type whose event is no object is malformed, and says so."""
    assert "'event'" in read("stream.online", event).content.reason


def test_a_revocation_has_a_reason():
    """A revocation says why: without that it is malformed; a reason that nobody knows is kept."""
    told = read("stream.online", None, REVOCATION, status="moon_phase").content
    assert told == events.SubscriptionRevoked("stream.online", "moon_phase", SENT)
    assert "'status'" in read("stream.online", None, REVOCATION).content.reason


@pytest.mark.parametrize("body", [b'{"a": ' + b"7" * 5000 + b"}", b"[" * 100_000 + b"]" * 100_000])
def test_json_that_python_cannot_hold_is_malformed(body):
    """Numbers of thousands of digits and nesting without end are JSON: they are kept, and not reacted to."""
    document = read_json(body)
    assert isinstance(document, Malformed)
    assert document.reason.startswith("the body cannot be read: ")
    assert read_entry({}, "e76c6bd4", SENT, body, document).content == document


def test_a_number_beyond_all_range_is_no_count():
    """1e999 reads as infinity, which is no number of bits; in a field that is not used it harms nobody."""
    assert "'bits'" in changed("channel.cheer", bits=json.loads("1e999")).reason
    assert changed("channel.cheer", total=json.loads("1e999")).bits == 250


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children),
    max_leaves=8,
)
FIELDS = sorted({name for event, _ in KNOWN.values() for name in event})


@given(st.sampled_from(sorted(KNOWN)), st.dictionaries(st.sampled_from(FIELDS), JSON), JSON, st.booleans())
def test_no_event_makes_reading_fail(event_type, changes, anything, is_alike):
    """Whatever an event of a known type holds, it is an entry, of which every text can be kept."""
    entry = read(event_type, KNOWN[event_type][0] | changes if is_alike else anything)
    assert isinstance(entry, Entry)
    for text in texts_of(attrs.asdict(entry)):
        assert "\0" not in text.encode().decode()


@given(JSON, st.sampled_from(["notification", "revocation", "moon_phase"]))
def test_no_document_makes_reading_fail(document, message_type):
    """Whatever JSON a body is, it is an entry."""
    for content in (document, {"subscription": document}, {"subscription": {"type": document}}):
        read_entry({"twitch-eventsub-message-type": message_type}, "e76c6bd4", SENT, b"", content)


@given(st.binary())
def test_no_body_makes_reading_fail(body):
    """Whatever bytes a body is, it is JSON, or said to be none."""
    with suppress(NotJsonError):
        read_json(body)


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_of(each)


def bits_used(**said: Any) -> object:
    return read("channel.bits.use", WHO | {"bits": 300, "message": None} | said).content


def test_a_cheer_that_is_told_as_bits_is_told_already():
    """A cheer comes by `channel.cheer` as well; what is not known yet is bits all the same."""
    assert bits_used(type="cheer") == Unknown()
    for kind in ("power_up", "custom_power_up", "combo", "what comes next"):
        assert bits_used(type=kind) == events.PowerUp(TINA, 300, "")
    assert bits_used(type="power_up", **NOBODY) == bits_used(type="power_up", **EMPTY)
    assert bits_used(type="power_up", **NOBODY) == events.PowerUp(None, 300, "")
    assert isinstance(bits_used(), Malformed)
    assert isinstance(bits_used(type="power_up", bits=0), Malformed)


@pytest.mark.parametrize(
    ("seconds", "length"),
    [(30, 30), ("60", 60), (0, 0), (None, None), ("soon", None), (-5, None), (10**7, 10**7)],
)
def test_an_ad_break_takes_so_many_seconds(seconds, length):
    """The length is a number, or a text as in Twitch's reference; what is neither is malformed."""
    event = {"duration_seconds": seconds, "started_at": STARTED_TEXT, "is_automatic": "false"}
    content = read("channel.ad_break.begin", event).content
    if length is None:
        assert content == Malformed("'duration_seconds' is no number of seconds")
    else:
        assert content == events.AdBreak(STARTED, STARTED + timedelta(seconds=length), is_automatic=False)
    late = read(
        "channel.ad_break.begin", event | {"started_at": "9999-12-31T23:59:59Z", "duration_seconds": 5}
    )
    assert isinstance(late.content, Malformed)
    by_itself = read("channel.ad_break.begin", event | {"duration_seconds": 5, "is_automatic": "true"})
    assert by_itself.content.is_automatic
