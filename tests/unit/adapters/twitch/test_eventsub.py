"""The receiver: who sent a message and when, in which order that is looked at, and the answer to each."""

import json
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from http import HTTPStatus

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from showtime_adapters.twitch.eventsub import CallbackAnswer, Receiver, Rejection, RoutingInbox, sign
from showtime_core.domain.events import ChatCleared, Cheer, SubscriptionRevoked
from showtime_core.domain.journal import Entry, EntrySource, Malformed, Unknown
from showtime_core.errors import Unavailable
from showtime_core.testing.strategies import entry
from support import twitch
from support.server import SECRET

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MESSAGE_TYPES = ("notification", "webhook_callback_verification", "revocation", "tape_chewed")
MINUTES = timedelta(minutes=1)
TAKEN = CallbackAnswer(HTTPStatus.NO_CONTENT)
FORGED = CallbackAnswer(HTTPStatus.BAD_REQUEST, b"Signature verification failed", Rejection.SIGNATURE)


@define
class ListInbox:
    """An inbox that keeps entries in a list, for as long as it is there."""

    entries: list[Entry] = field(factory=list)
    known: set[str] = field(factory=set)
    is_away: bool = False

    async def submit(self, entry: Entry, /) -> None:
        if self.is_away:
            raise Unavailable("it is away")
        self.entries.append(entry)

    async def is_known(self, entry_id: str, /) -> bool:
        if self.is_away:
            raise Unavailable("it is away")
        return entry_id in self.known


@pytest.fixture
def inbox():
    return ListInbox()


async def receive(inbox, message, *secrets):
    headers = {name.lower(): value for name, value in message.headers.items()}
    return await Receiver(secrets or (SECRET,), inbox, lambda: NOW).receive(headers, message.body)


async def test_a_signed_notification_is_handed_on_before_it_is_answered(inbox):
    """A notification is in the inbox, as it came to the byte, when its answer says 204."""
    cheer = twitch.cheer("TapeheadTina", 250, at=NOW)
    assert await receive(inbox, cheer) == TAKEN
    [entry] = inbox.entries
    assert (entry.id, entry.source, entry.type, entry.version) == (
        cheer.id,
        EntrySource.NOTIFICATION,
        "channel.cheer",
        "1",
    )
    assert (entry.body, entry.sent_at, entry.retry) == (cheer.body, NOW, 0)
    assert isinstance(entry.content, Cheer)


async def test_a_known_signature():
    """The signature agrees with one that another program (openssl) has computed."""
    made = sign("s3cre77890ab", "e76c6bd4", "2019-11-16T10:11:12.634234626Z", b'{"event":{}}')
    assert made == "sha256=719e561dcccf0df0ea4583bf9ec09169d9e13a6c81f762489f12baa2212ea7d1"


@pytest.mark.parametrize("signing", ["the-old-secret", "the-new-secret", "the-next-secret"])
async def test_any_of_the_secrets_verifies(inbox, signing):
    """While a secret is replaced, messages signed with any of them are taken."""
    message = twitch.cheer(at=NOW, secret=signing)
    assert await receive(inbox, message, "the-old-secret", "the-new-secret", "the-next-secret") == TAKEN


@pytest.mark.parametrize("secrets", [("another-secret",), ("another-secret", "a-third-secret")])
async def test_no_other_secret_verifies(inbox, secrets):
    """A message signed with a secret that is not ours is refused, and leaves no trace."""
    assert await receive(inbox, twitch.cheer(at=NOW), *secrets) == FORGED
    assert not inbox.entries


async def test_the_time_of_a_refusal_tells_nothing(inbox, monkeypatch):
    """A signature is compared in constant time, and with every secret, also where an earlier one fits."""
    compared = []

    def compare(ours, given):
        compared.append((len(ours), len(given)))
        return compare_digest(ours, given)

    monkeypatch.setattr("hmac.compare_digest", compare)
    secrets = ("the-new-secret", "the-old-secret")
    assert await receive(inbox, twitch.cheer(at=NOW, secret="a-guess-of-mine"), *secrets) == FORGED
    assert await receive(inbox, twitch.cheer(at=NOW, secret="the-new-secret"), *secrets) == TAKEN
    assert compared == [(71, 71)] * 4


async def test_without_secrets_nothing_verifies(inbox):
    """A receiver that knows no secret takes nothing, also not what is signed with an empty one."""
    headers = {name.lower(): value for name, value in twitch.cheer(at=NOW, secret="").headers.items()}
    assert await Receiver((), inbox, lambda: NOW).receive(headers, twitch.cheer().body) == FORGED


@pytest.mark.parametrize("name", ["Id", "Timestamp", "Signature"])
@pytest.mark.parametrize("value", [None, ""])
async def test_the_three_headers_must_be_there(inbox, name, value):
    """Without id, timestamp or signature a message is not verified."""
    message = twitch.cheer(at=NOW).with_headers(**{f"Twitch-Eventsub-Message-{name}": value})
    assert await receive(inbox, message) == FORGED


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Id", lambda value: value[:-1] + "x"),
        ("Timestamp", lambda value: value.replace("Z", "+00:00")),
        ("Signature", str.upper),
        ("Signature", lambda value: value.removeprefix("sha256=")),
        ("Signature", lambda value: value[:-1]),
        ("Signature", lambda value: value + "0"),
        ("Signature", lambda value: "sha1=" + value),
        ("Signature", lambda _: "sha256="),
        ("Signature", lambda _: "smörgåsbord"),
    ],
)
async def test_what_is_signed_is_signed_to_the_byte(inbox, name, change):
    """Any change of id, timestamp or signature, however small, fails in the same words."""
    message = twitch.cheer(at=NOW)
    header = f"Twitch-Eventsub-Message-{name}"
    assert await receive(inbox, message.with_headers(**{header: change(message.headers[header])})) == FORGED


async def test_the_body_is_signed_to_the_byte(inbox):
    """White space added to a body makes its signature wrong, although its JSON says the same."""
    message = twitch.cheer(at=NOW)
    assert await receive(inbox, twitch.Message(message.headers, message.body + b" ")) == FORGED


async def test_a_forger_never_makes_us_ask_the_inbox(inbox):
    """The signature is looked at first: a forged stale message is refused while the inbox is away."""
    inbox.is_away = True
    assert await receive(inbox, twitch.cheer(at=NOW - 60 * MINUTES, secret="a guess")) == FORGED


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
@pytest.mark.parametrize("minutes", [-10, 10])
async def test_ten_minutes_either_way_are_taken(inbox, message_type, minutes):
    """A message of any type whose timestamp is up to 10 minutes from now, either way, is taken."""
    message = _of_type(message_type, NOW + minutes * MINUTES)
    assert (await receive(inbox, message)).rejection is None


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
@pytest.mark.parametrize("minutes", [-10, 10])
async def test_more_than_ten_minutes_either_way_are_refused(inbox, message_type, minutes):
    """A message of any type, even a challenge, that is older or newer than 10 minutes is refused."""
    late = NOW + minutes * MINUTES + timedelta(microseconds=minutes)
    assert await receive(inbox, _of_type(message_type, late)) == CallbackAnswer(
        HTTPStatus.BAD_REQUEST,
        b"the message's timestamp is not within 10 minutes of the current time",
        Rejection.TIMESTAMP,
    )
    assert not inbox.entries


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
async def test_a_known_id_comes_before_the_timestamp(inbox, message_type):
    """A resend of what is known is answered 2xx and does nothing, however late it comes."""
    message = _of_type(message_type, NOW - 90 * MINUTES)
    inbox.known.add(message.id)
    assert await receive(inbox, message) == TAKEN
    assert not inbox.entries


@pytest.mark.parametrize(
    "timestamp", ["yesterday", "2026-11-21T02:00:00", "2026-11-21", "1795226400", "9999-12-31T23:59:59-12:00"]
)
async def test_a_timestamp_that_is_none_is_refused(inbox, timestamp):
    """A signed message whose timestamp is no time, or names no time zone, is refused."""
    answer = await receive(inbox, twitch.cheer(timestamp=timestamp))
    assert (answer.status, answer.rejection) == (HTTPStatus.BAD_REQUEST, Rejection.TIMESTAMP)


async def test_without_a_clock_of_its_own_it_reads_that_of_the_machine(inbox):
    """A receiver that is given no clock takes what is sent now, and refuses what was sent an hour ago."""
    receiver, now = Receiver((SECRET,), inbox), datetime.now(UTC)
    for message, status in [
        (twitch.cheer(at=now), HTTPStatus.NO_CONTENT),
        (twitch.cheer(at=now - 60 * MINUTES), HTTPStatus.BAD_REQUEST),
    ]:
        headers = {name.lower(): value for name, value in message.headers.items()}
        assert (await receiver.receive(headers, message.body)).status == status


async def test_chat_has_an_inbox_of_its_own():
    """What is of the chat goes to its inbox, everything else to the other, and either knows its own ids."""
    others, chat = ListInbox(known={"a"}), ListInbox(known={"b"})
    both = RoutingInbox(others, chat)
    await both.submit(said := entry("said", ChatCleared()))
    await both.submit(cheered := entry("cheered", Cheer(None, 1, "")))
    assert (others.entries, chat.entries) == ([cheered], [said])
    assert [await both.is_known(name) for name in "abc"] == [True, True, False]


@pytest.mark.parametrize(
    ("timestamp", "microsecond"),
    [
        ("2026-11-21T02:00:00.123456789Z", 123_456),
        ("2026-11-21T02:00:00.12345678Z", 123_456),
        ("2026-11-21T02:00:00.1234567Z", 123_456),
        ("2026-11-21T02:00:00.5Z", 500_000),
        ("2026-11-21T02:00:00Z", 0),
        ("2026-11-21T03:00:00.000000001+01:00", 0),
    ],
)
async def test_nanoseconds_may_lack_their_trailing_zeros(inbox, timestamp, microsecond):
    """A timestamp has up to nine digits of a second, and is kept to the microsecond."""
    assert await receive(inbox, twitch.cheer(timestamp=timestamp)) == TAKEN
    assert inbox.entries[0].sent_at == NOW.replace(microsecond=microsecond)


CHALLENGE = 'pogchamp-kappa-360noscope-vohiyo "ü"\n'


@pytest.mark.parametrize("message_type", ["webhook_callback_verification", None])
async def test_a_challenge_is_answered_with_itself_alone(inbox, message_type):
    """A challenge is given back to the byte, also where no header says it is one; nothing is kept."""
    message = twitch.message("channel.cheer", None, at=NOW, extra={"challenge": CHALLENGE})
    inbox.is_away = True
    answer = await receive(inbox, message.with_headers(**{"Twitch-Eventsub-Message-Type": message_type}))
    assert answer == CallbackAnswer(HTTPStatus.OK, CHALLENGE.encode())
    assert not inbox.entries


@pytest.mark.parametrize("message_type", ["notification", "revocation", "tape_chewed"])
async def test_only_a_verification_is_a_challenge(inbox, message_type):
    """A field named challenge in a message of another type is no challenge: the message is taken."""
    extra = {"challenge": CHALLENGE}
    message = twitch.message("channel.cheer", {}, message_type=message_type, at=NOW, extra=extra)
    assert await receive(inbox, message) == TAKEN
    assert len(inbox.entries) == 1


async def test_a_forged_challenge_is_refused(inbox):
    """A challenge with a wrong signature is not answered: nobody else makes us confirm a subscription."""
    message = twitch.message("channel.cheer", None, at=NOW, extra={"challenge": "boo"}, secret="a guess")
    assert await receive(inbox, message) == FORGED


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", b"(char 0)"),
        (b"be kind", b"(char 0)"),
        (b"{", b"(char 1)"),
        (b"\xff\xfe\xff", b"position 0: invalid start byte"),
        (b'{"a": 1} {"b": 2}', b"(char 9)"),
    ],
)
async def test_a_body_that_is_not_json_is_refused(inbox, body, where):
    """A signed body that is not JSON is answered 400 with the place of the mistake, and kept nowhere."""
    answer = await receive(inbox, twitch.message("channel.cheer", None, at=NOW, body=body))
    assert (answer.status, answer.rejection) == (HTTPStatus.BAD_REQUEST, Rejection.NOT_JSON)
    assert answer.body.startswith(b"the body is not JSON: ")
    assert answer.body.endswith(where)
    assert not inbox.entries


async def test_a_revocation_is_no_event(inbox):
    """A revocation is kept as what it is, with Twitch's reason, even one that nobody has heard of."""
    message = twitch.message("stream.online", None, message_type="revocation", at=NOW, status="tape_chewed")
    assert await receive(inbox, message) == TAKEN
    [entry] = inbox.entries
    assert entry.source is EntrySource.REVOCATION
    assert entry.content == SubscriptionRevoked("stream.online", "tape_chewed", NOW)


async def test_a_message_type_that_is_not_known_is_kept(inbox):
    """A signed message of a type that Twitch has yet to invent is taken: refusing costs the subscription."""
    assert await receive(inbox, _of_type("tape_chewed", NOW)) == TAKEN
    assert [(entry.source, entry.content) for entry in inbox.entries] == [(EntrySource.OTHER, Unknown())]


async def test_a_message_without_type_is_a_notification(inbox):
    """Where no header tells the type and there is no challenge, the message is a notification."""
    message = twitch.cheer(at=NOW).with_headers(**{"Twitch-Eventsub-Message-Type": None})
    assert await receive(inbox, message) == TAKEN
    assert inbox.entries[0].source is EntrySource.NOTIFICATION


async def test_an_event_type_that_is_not_known_is_kept(inbox):
    """An event of a type that showtime has no reaction to is kept whole, and answered 2xx."""
    message = twitch.message("channel.tape.rewound", {"by": "nobody"}, at=NOW)
    assert await receive(inbox, message) == TAKEN
    [entry] = inbox.entries
    assert (entry.type, entry.content) == ("channel.tape.rewound", Unknown())
    assert json.loads(entry.body)["event"] == {"by": "nobody"}


async def test_an_inbox_that_is_away_is_said_to_be(inbox):
    """While nothing can be recorded the answer is 503, so that Twitch sends the message again."""
    inbox.is_away = True
    for message in (twitch.cheer(at=NOW), twitch.cheer(at=NOW - 60 * MINUTES)):
        assert await receive(inbox, message) == CallbackAnswer(
            HTTPStatus.SERVICE_UNAVAILABLE, b"it is away", Rejection.UNAVAILABLE
        )


async def test_an_id_is_as_long_as_an_index_bears(inbox):
    """An id of up to 512 characters is taken; a longer one, though signed, is refused."""
    assert await receive(inbox, twitch.cheer(at=NOW, message_id="7" * 512)) == TAKEN
    assert (await receive(inbox, twitch.cheer(at=NOW, message_id="7" * 513))).rejection is Rejection.ID


@pytest.mark.parametrize(
    ("retry", "kept"), [("3", 3), ("", 0), ("many", 0), ("-1", 0), ("9" * 30, 0), ("²", 0)]
)
async def test_the_count_of_resends_is_informational(inbox, retry, kept):
    """Whatever the header with the count of resends says, the message is taken."""
    message = twitch.cheer(at=NOW).with_headers(**{"Twitch-Eventsub-Message-Retry": retry})
    assert await receive(inbox, message) == TAKEN
    assert inbox.entries[0].retry == kept


@given(st.dictionaries(st.sampled_from([name.lower() for name in twitch.cheer().headers]), st.text()))
async def test_no_header_makes_it_fail(headers):
    """Whatever stands in the headers, in whichever encoding, the answer is that it is not signed."""
    assert await Receiver((SECRET,), ListInbox()).receive(headers, b"{}") == FORGED


@given(st.binary(max_size=200))
async def test_no_body_makes_it_fail(body):
    """Whatever stands in a signed body, it is taken or refused as no JSON."""
    inbox = ListInbox()
    answer = await receive(inbox, twitch.message("channel.cheer", None, at=NOW, body=body))
    assert answer == TAKEN or answer.rejection is Rejection.NOT_JSON
    assert all(isinstance(entry.content, Malformed) for entry in inbox.entries)


def _of_type(message_type: str, at: datetime) -> twitch.Message:
    return twitch.message("channel.cheer", {}, message_type=message_type, at=at, extra={"challenge": "boo"})
