"""Tries all probes on one receiver, and judges what it has handled, where that can be seen."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase

from attrs import frozen

from showtime_app.conform.http1 import Place
from showtime_app.conform.probes import PROBES, Level, Probe, Trial

SETTLE_SECONDS = 10.0
_LOOK_SECONDS = 0.5
_UNSEEN = "a black box does not show it: say --handled"


class ProbeOutcome(StrEnum):
    """What came of a probe."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"


@frozen
class ProbeVerdict:
    """What came of one probe, and why."""

    probe: Probe
    outcome: ProbeOutcome
    reason: str = ""


async def _never(_: Trial) -> None:
    """Nothing is sent: it is judged by what was handled."""


_ALL, _ONCE = "What is answered 2XX is not sent again.", "The same id may come again."
_SIGNED, _ORDER = "Verify the signature first.", "Of one sender, one after the other."
_LATE = "the end of a stream comes before its beginning"
_HANDLED = (
    Probe("handled-all", Level.REQUIRED, _ALL, "events are lost", _never),
    Probe("handled-once", Level.ADVISED, _ONCE, "points and alerts are doubled", _never),
    Probe("handled-nothing-refused", Level.REQUIRED, _SIGNED, "forged events count", _never),
    Probe("handled-in-order", Level.ROBUST, _ORDER, _LATE, _never),
)


async def judge(
    url: str, secret: str, handled: str | None, only: Sequence[str] = ()
) -> AsyncIterator[ProbeVerdict]:
    """Try everything, one after the other, or what these patterns name.

    `handled` is a command that prints what was handled.

    Raises ValueError for what is no address of a receiver.
    """
    trial = Trial(Place.read(url), secret)
    for probe in (probe for probe in PROBES if _is_named(probe, only)):
        yield _verdict(probe, await probe.play(trial))
    found = None if handled is None else await _judge_handled(trial, handled)
    for number, probe in enumerate(_HANDLED):
        if found is None and _is_named(probe, only):
            yield ProbeVerdict(probe, ProbeOutcome.NOT_JUDGED, _UNSEEN)
        elif found:
            yield _verdict(probe, found[number])


def _verdict(probe: Probe, wrong: str | None) -> ProbeVerdict:
    return ProbeVerdict(probe, ProbeOutcome.FAILED if wrong else ProbeOutcome.PASSED, wrong or "")


def _is_named(probe: Probe, only: Sequence[str]) -> bool:
    return not only or any(fnmatchcase(probe.name, pattern) for pattern in only)


async def _judge_handled(trial: Trial, command: str) -> Sequence[str | None]:
    """Compare what was handled with what was answered, once all of it is there or some time has passed."""
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while True:
        lines = await _printed(command)
        seen = [one for line in lines for one in [*trial.once, *trial.never] if one in line]
        missing = [one for one in trial.once if one not in seen]
        if not missing or asyncio.get_running_loop().time() >= deadline:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    times = Counter(seen)
    doubled = [one for one in trial.once if times[one] > 1]
    forged = [one for one in trial.never if times[one]]
    sequence = [one for one in dict.fromkeys(seen) if one in set(trial.in_turn)]
    return [
        _told(missing, "answered 2xx, and not handled"),
        _told(doubled, "handled more than once"),
        _told(forged, "refused, and handled all the same"),
        None
        if sequence == [one for one in trial.in_turn if one in sequence]
        else "in another order than they were sent",
    ]


def _told(ids: Sequence[str], what: str) -> str | None:
    return f"{len(ids)} messages were {what}: {ids[0]}" if ids else None


async def _printed(command: str) -> list[str]:
    """Run the command; raises ValueError if it fails."""
    process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise ValueError(f"the command of --handled ended with {process.returncode}: {command}")
    return out.decode(errors="replace").splitlines()
