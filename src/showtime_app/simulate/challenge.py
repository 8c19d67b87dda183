"""Judges how a server verifies its callback: the raw challenge for a true one, a refusal for any other."""

from attrs import frozen

from showtime_app.simulate.catalogue import EventType
from showtime_app.simulate.deliveries import DeliveryContext, challenge
from showtime_app.simulate.messages import Flaw, Request
from showtime_app.simulate.report import ServerAnswer, milliseconds
from showtime_app.simulate.sender import Sender

_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789-_"
_LENGTH = 43
_FALSE = (Flaw.FORGED, Flaw.UNSIGNED)

_OK = 200
_REFUSED = 400


@frozen
class Check:
    """One rule, and whether the answer kept it."""

    rule: str
    passed: bool
    found: str = ""
    """What was there instead."""

    def __str__(self) -> str:
        return f"ok     {self.rule}" if self.passed else f"WRONG  {self.rule}: {self.found}"


@frozen
class CallbackCheck:
    """The challenges of one check: a true one, and those that Twitch did not sign."""

    text: str
    true: Request
    false: tuple[Request, ...]

    @classmethod
    def of(cls, kind: EventType, context: DeliveryContext) -> "CallbackCheck":
        """Draw a challenge for the subscription to a type."""
        text = "".join(context.ids.choices(_ALPHABET, k=_LENGTH))
        true, *false = (challenge(kind, text, flaw, context) for flaw in (None, *_FALSE))
        return cls(text, true, tuple(false))

    async def run(self, sender: Sender) -> tuple[Check, ...]:
        """Send them all and judge the answers."""
        checks = check_answer(await sender.send(self.true), self.text, sender.timeout)
        for flaw, request in zip(_FALSE, self.false, strict=True):
            checks += (check_refusal(await sender.send(request), self.text, flaw),)
        return checks


def check_answer(answer: ServerAnswer, challenge: str, limit: float) -> tuple[Check, ...]:
    """Judge the answer to a signed challenge, which may take `limit` seconds."""
    if answer.status is None:
        return (Check(f"the challenge is answered within {limit:g} s", passed=False, found=answer.failure),)
    length, content_type = (answer.headers.get(f"content-{name}", "") for name in ("length", "type"))
    is_plain = content_type.partition(";")[0].strip().lower() == "text/plain"
    expected = challenge.encode()
    in_time = f"it came within {limit:g} s: {milliseconds(answer.seconds)}"
    return (
        Check("the status is 200", answer.status == _OK, str(answer.status)),
        Check("the body is the challenge and nothing else", answer.body == expected, repr(answer.excerpt)),
        Check("the content type is text/plain", is_plain, content_type or "there is none"),
        Check(
            f"the content length is {len(expected)}", length == str(len(expected)), length or "there is none"
        ),
        Check(in_time, answer.seconds <= limit, "too slow"),
    )


def check_refusal(answer: ServerAnswer, challenge: str, flaw: str) -> Check:
    """Judge the answer to a challenge that Twitch did not sign."""
    refused = answer.status == _REFUSED and challenge.encode() not in answer.body
    found = answer.failure or f"{answer.status} {answer.excerpt}"
    return Check(f"{'an' if flaw[0] in 'aeiou' else 'a'} {flaw} challenge is refused", refused, found)
