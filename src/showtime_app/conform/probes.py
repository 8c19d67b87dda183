"""What is tried, in one table: what Twitch says of it, what happens to whom it fails, and how it is tried."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from functools import partial

from attrs import Factory, define, frozen

from showtime_app.conform.http1 import Answer, Place
from showtime_app.conform.messages import CHEER, FOLLOW, ProbeMessage


class Level(StrEnum):
    """How much a probe weighs."""

    REQUIRED = "required"
    """Twitch says so: whoever fails it loses events, or takes forged ones."""
    ADVISED = "advised"
    """Twitch advises it."""
    ROBUST = "robust"
    """Ours: the world sends it sooner or later."""


@define
class Trial:
    """A receiver under trial, and what it was told meanwhile."""

    place: Place
    secret: str
    once: list[str] = Factory(list)
    """Ids of messages that were accepted, in the order of their answers: each is to be handled once."""
    never: list[str] = Factory(list)
    """Ids of messages that were refused, and that were not accepted before."""
    in_turn: list[str] = Factory(list)
    """Ids of messages that were sent one after the other, each after the answer to the one before."""

    def message(self, **how: object) -> ProbeMessage:
        """Make a follow, or what this says in its place."""
        return ProbeMessage(self.place, self.secret, **{"content": {"event": FOLLOW}, **how})  # type: ignore[arg-type]

    def challenge(self, text: str, **how: object) -> ProbeMessage:
        """Make the message that verifies a callback."""
        status = "webhook_callback_verification_pending"
        kind = "webhook_callback_verification"
        return self.message(kind=kind, status=status, content={"challenge": text}, **how)

    async def send(self, message: ProbeMessage, *, is_left: bool = False) -> Answer:
        """Send a message, and note what is to become of it: one that is left may go unhandled."""
        [answer] = await self.place.exchange(message.request)
        if not (is_left and answer.is_success):
            self.note(message, answer)
        return answer

    def note(self, message: ProbeMessage, answer: Answer) -> None:
        """Note what is to become of a message, by its answer."""
        if message.kind == "notification" and answer.status and message.id not in self.once:
            (self.once if answer.is_success else self.never).append(message.id)

    async def is_alive(self) -> str | None:
        """Tell what is wrong with a plain message, if anything."""
        answer = await self.send(self.message())
        return None if answer.is_success else f"a plain message afterwards was answered {answer}"


Play = Callable[[Trial], Awaitable[str | None]]
"""Tries it; gives what is wrong, or None."""


@frozen
class Probe:
    """One thing that is tried."""

    name: str
    level: Level
    says: str
    """What Twitch's documentation says, or why it is tried."""
    fails: str
    """What happens to whom it fails."""
    play: Play


def _success(answer: Answer) -> str | None:
    return None if answer.is_success else f"answered {answer}, not 2xx"


def _refusal(answer: Answer) -> str | None:
    return None if answer.is_refusal else f"answered {answer}, not 4xx"


def _no_fault(answer: Answer) -> str | None:
    return None if 0 < answer.status < 500 else f"answered {answer}"  # noqa: PLR2004 - 5xx


def accepts(**how: object) -> Play:
    """Try a message that is to be answered 2xx."""
    return _tried(how, _success)


def refuses(**how: object) -> Play:
    """Try a message that is to be answered 4xx."""
    return _tried(how, _refusal)


def leaves(**how: object) -> Play:
    """Try a message that is to be answered 2xx, and that nobody is to handle: it was never asked for."""
    return _tried(how, _success, is_left=True)


def survives(**how: object) -> Play:
    """Try a message that may be answered 2xx or 4xx; a plain one afterwards is to be accepted."""

    async def play(trial: Trial) -> str | None:
        answer = await trial.send(trial.message(**how), is_left=True)
        return _no_fault(answer) or await trial.is_alive()

    return play


def _tried(how: dict[str, object], judge: Callable[[Answer], str | None], *, is_left: bool = False) -> Play:
    async def play(trial: Trial) -> str | None:
        return judge(await trial.send(trial.message(**how), is_left=is_left))

    return play


def raw(write: Callable[[ProbeMessage], list[bytes]]) -> Play:
    """Try a message that is written to the wire in a way of its own, and is to be answered 2xx."""

    async def play(trial: Trial) -> str | None:
        message = trial.message()
        [answer] = await trial.place.exchange(*write(message))
        trial.note(message, answer)
        return _success(answer)

    return play


def _challenge(text: str) -> Play:
    async def play(trial: Trial) -> str | None:
        answer = await trial.send(trial.challenge(text))
        if answer.status != 200:  # noqa: PLR2004 - exactly
            return f"answered {answer}, not 200"
        if answer.body != text.encode():
            return f"the body is {answer.body[:60]!r}, not the bare challenge"
        return None

    return play


async def _challenge_length(trial: Trial) -> str | None:
    answer = await trial.send(trial.challenge("pogchamp-kappa-360noscope-vohiyo"))
    length = answer.headers.get("content-length", "missing")
    return None if length == "32" else f"Content-Length is {length}, not 32"


async def _challenge_type(trial: Trial) -> str | None:
    answer = await trial.send(trial.challenge("pogchamp"))
    media = answer.headers.get("content-type", "missing").partition(";")[0]
    return None if media == "text/plain" else f"Content-Type is {media}, not text/plain"


async def _forged_challenge(trial: Trial) -> str | None:
    answer = await trial.send(trial.challenge("pogchamp", signature="sha256=" + "0" * 64))
    if b"pogchamp" in answer.body:
        return "the challenge of a stranger is answered"
    return _refusal(answer)


async def _in_time(trial: Trial) -> str | None:
    messages = [trial.message() for _ in range(5)]
    answers = [await trial.send(message) for message in messages]
    trial.in_turn = [message.id for message in messages]
    slowest = max(answer.seconds for answer in answers)
    if any(not answer.is_success for answer in answers):
        return f"answered {', '.join(map(str, answers))}"
    return None if slowest <= 2 else f"one of five took {slowest:.1f} s"  # noqa: PLR2004 - seconds


async def _duplicate(trial: Trial) -> str | None:
    message = trial.message()
    first = await trial.send(message)
    again = await trial.send(message.but(retry="1"))
    return _success(first) or (None if again.is_success else f"the second delivery was answered {again}")


async def _pipelined(trial: Trial) -> str | None:
    messages = [trial.message(), trial.message()]
    answers = await trial.place.exchange(b"".join(message.request for message in messages), answers=2)
    for message, answer in zip(messages, answers, strict=False):
        trial.note(message, answer)
    return next((wrong for answer in answers if (wrong := _success(answer))), None)


async def _many(trial: Trial) -> str | None:
    answers = await asyncio.gather(*(trial.send(trial.message()) for _ in range(50)))
    failed = [str(answer) for answer in answers if not answer.is_success]
    return f"{len(failed)} of 50 were answered {failed[0]}" if failed else None


async def _silent_client(trial: Trial) -> str | None:
    message = trial.message()
    waiting = [asyncio.create_task(trial.place.exchange(message.head())) for _ in range(20)]
    try:
        await asyncio.sleep(0.2)
        return await trial.is_alive()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _hang_up(trial: Trial) -> str | None:
    message = trial.message()
    await trial.place.send_and_leave(message.head() + message.body[:50])
    return await trial.is_alive()


async def _rubbish(trial: Trial) -> str | None:
    await trial.place.exchange(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)) + b"\r\n\r\n"
    )
    return await trial.is_alive()


async def _get(trial: Trial) -> str | None:
    message = trial.message(raw=b"")
    await trial.place.exchange(message.head(method="GET"))
    return await trial.is_alive()


async def _huge(trial: Trial) -> str | None:
    answer = await trial.send(trial.message(content={"event": {**FOLLOW, "padding": "~" * 10_000_000}}))
    return _no_fault(answer) if answer.status else await trial.is_alive()


def _recased(change: Callable[[bytes], bytes], message: ProbeMessage) -> list[bytes]:
    first, *lines = message.head().removesuffix(b"\r\n\r\n").split(b"\r\n")
    changed = [change(name) + b":" + value for name, _, value in (line.partition(b":") for line in lines)]
    return [b"\r\n".join([first, *changed, b"", b""]) + message.body]


def _chunked(message: ProbeMessage) -> list[bytes]:
    head = message.but(extra={"Content-Length": "", "Transfer-Encoding": "chunked"}).head()
    parts = [message.body[:100], message.body[100:]]
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return [head + chunks + b"0\r\n\r\n"]


def _upgrade(message: ProbeMessage) -> list[bytes]:
    offer = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA",
    }
    return [message.but(extra=offer).request]


def _slowly(message: ProbeMessage) -> list[bytes]:
    third = len(message.request) // 3
    return [message.request[:third], message.request[third : 2 * third], message.request[2 * third :]]


def _group(level: Level, says: str, fails: str, **plays: Play) -> tuple[Probe, ...]:
    """Name probes of which Twitch says the same, and which fail in the same way."""
    return tuple(Probe(name.replace("_", "-"), level, says, fails, play) for name, play in plays.items())


_FORGED = "sha256=" + "0" * 64
_REVOKED = "Twitch sends it again, and in the end revokes the subscription"
_NO_SUBSCRIPTION = "Twitch does not enable the subscription: no events come"
_FALLS = "one message ends the receiver, or is sent again until the subscription is revoked"
_SIGNED = "The signature is over id, timestamp and body."
_RAW = b"""{ "subscription" : {"id":"1", "status":"enabled", "type":"channel.follow", "version":"2",
 "condition":{}, "transport":{"method":"webhook","callback":"https://x"}, "cost":0,
 "created_at":"2026-10-31T20:00:00Z"},
 "event" : %s }
"""

PROBES: tuple[Probe, ...] = (
    *_group(
        Level.REQUIRED,
        "Answer 200 with the bare challenge as the body.",
        _NO_SUBSCRIPTION,
        challenge=_challenge("pogchamp-kappa-360noscope-vohiyo"),
        challenge_long=_challenge("kappa-" * 60),
        challenge_marks=_challenge('<b>"&amp;%20+\\n'),
        challenge_length=_challenge_length,
    ),
    *_group(
        Level.ADVISED,
        "Twitch's example answers text/plain, and its tool checks it.",
        _NO_SUBSCRIPTION,
        challenge_type=_challenge_type,
    ),
    *_group(
        Level.REQUIRED,
        "Answer any 2XX.",
        _REVOKED,
        notification=accepts(),
        notification_retry=accepts(retry="3"),
        timestamp_short=accepts(digits=3),
    ),
    *_group(
        Level.REQUIRED,
        "Verify the signature before anything else; on a mismatch answer 4XX.",
        "anybody who knows the address can make up events, challenges and revocations",
        signature_wrong=refuses(signature=_FORGED),
        signature_missing=refuses(signature=""),
        signature_empty=refuses(signature="sha256="),
        signature_short=refuses(signature="sha256=0"),
        signature_of_other_kind=refuses(signature="sha1=" + "0" * 40),
        challenge_forged=_forged_challenge,
        revocation_forged=refuses(kind="revocation", status="user_removed", content={}, signature=_FORGED),
    ),
    *_group(
        Level.REQUIRED,
        _SIGNED,
        "one good message can be sent again with another body, id or time",
        signature_of_other_body=refuses(signed=b"{}"),
        signature_of_other_id=refuses(extra={"Twitch-Eventsub-Message-Id": "another"}),
        signature_of_other_time=refuses(extra={"Twitch-Eventsub-Message-Timestamp": "2026-10-31T20:00:00Z"}),
    ),
    *_group(
        Level.REQUIRED,
        _SIGNED + " Of the body as it came, not of JSON that was read and written again.",
        "messages that are written in another way are refused",
        body_to_the_byte=accepts(raw=_RAW % json.dumps({**FOLLOW, "user_name": "V\u00e9ra"}).encode()),
    ),
    *_group(
        Level.REQUIRED,
        "Names of headers have no case.",
        "behind another proxy every message is refused",
        headers_lower_case=raw(partial(_recased, bytes.lower)),
        headers_upper_case=raw(partial(_recased, bytes.upper)),
    ),
    *_group(
        Level.ADVISED,
        "Answer within a few seconds; what takes longer is stored first.",
        _REVOKED,
        in_two_seconds=_in_time,
        duplicate=_duplicate,
    ),
    *_group(
        Level.ADVISED,
        "Refuse messages that are older than ten minutes; clocks err in both directions.",
        "whoever has seen one message can send it again for ever",
        ten_minutes_old=refuses(ago=timedelta(minutes=11)),
        ten_minutes_ahead=refuses(ago=timedelta(minutes=-11)),
    ),
    *_group(
        Level.ADVISED,
        "Messages of the last ten minutes are good: a repeated one comes late.",
        "what Twitch repeats after a drop-out is lost",
        nine_minutes_old=accepts(ago=timedelta(minutes=9)),
    ),
    *_group(
        Level.ROBUST,
        "Twitch adds types, fields, versions and reasons without notice; ids are opaque.",
        _REVOKED,
        unknown_type=leaves(type="channel.something.new", version="9", content={"event": {"id": "1"}}),
        unknown_version=accepts(version="99"),
        unknown_field=accepts(content={"event": {**FOLLOW, "brand_new": {"a": [1]}}}),
        id_no_uuid=accepts(id="evt:" + "x" * 60),
        anonymous_cheer=accepts(type="channel.cheer", version="1", content={"event": CHEER}),
        text_of_the_world=accepts(
            content={"event": {**FOLLOW, "user_name": "\u30f4\u30a7\u30e9 \U0001f47b\u200d"}}
        ),
        half_a_megabyte=accepts(content={"event": {**FOLLOW, "padding": "~" * 500_000}}),
    ),
    *_group(
        Level.ROBUST,
        "A message can be signed, and still not be what one expects.",
        _FALLS,
        unknown_kind=survives(kind="a_kind_of_2031"),
        text_with_nul=survives(content={"event": {**FOLLOW, "user_name": "a\x00b"}}),
        half_a_character=survives(raw=_RAW % json.dumps({**FOLLOW, "user_name": "\ud800"}).encode()),
        no_utf_8=survives(raw=_RAW % b'{"user_name": "\xff\xfe"}'),
        no_json=survives(raw=b"{"),
        no_object=survives(raw=b"[1, 2]"),
        no_body=survives(raw=b""),
        no_event=survives(content={}),
        types_wrong=survives(content={"event": {name: [value] for name, value in FOLLOW.items()}}),
        number_huge=survives(type="channel.cheer", version="1", raw=_RAW % b'{"bits": 1%s}' % (b"0" * 5000)),
        nested_deep=survives(raw=b"[" * 100_000),
        ten_megabytes=_huge,
    ),
    *_group(
        Level.ROBUST,
        "HTTP allows it, and proxies and libraries do it.",
        _REVOKED,
        chunked=raw(_chunked),
        upgrade_h2c=raw(_upgrade),
        expect_continue=raw(
            lambda message: [message.but(extra={"Expect": "100-continue"}).head(), message.body]
        ),
        http_1_0=raw(lambda message: [message.head("1.0") + message.body]),
        in_pieces=raw(_slowly),
        pipelined=_pipelined,
        fifty_at_once=_many,
    ),
    *_group(
        Level.ROBUST,
        "Clients fall silent, go away, and are no clients of ours; scanners knock at every port.",
        _FALLS,
        silent_clients=_silent_client,
        hung_up=_hang_up,
        no_http=_rubbish,
        get=_get,
    ),
    # The last: after them a receiver may forget the subscription.
    *_group(
        Level.REQUIRED,
        "Answer any 2XX.",
        _REVOKED,
        revocation=accepts(kind="revocation", status="authorization_revoked", content={}),
    ),
    *_group(
        Level.ROBUST,
        "Twitch adds reasons without notice.",
        _REVOKED,
        unknown_reason=accepts(kind="revocation", status="a_reason_of_2031", content={}),
    ),
)
