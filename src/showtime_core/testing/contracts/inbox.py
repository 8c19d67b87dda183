"""What every inbox of verified messages keeps to: a suite of rules, to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

import pytest
from attrs import frozen

from showtime_core.domain.journal import Entry
from showtime_core.errors import Unavailable
from showtime_core.testing.entries import cheers


class _Inbox(Protocol):
    async def submit(self, entry: Entry, /) -> None: ...

    async def is_known(self, entry_id: str, /) -> bool: ...


@frozen
class InboxStage:
    """An inbox with nothing in it, as two instances have it."""

    inbox: _Inbox
    other: _Inbox
    kept: Callable[[], Awaitable[Sequence[str]]]
    """Gives the ids of what is durable, in order."""
    go_away: Callable[[], None]
    """Lets nothing be kept."""
    come_back: Callable[[], None]
    """Lets everything be kept again."""


class InboxContract:
    """The rules of `showtime_adapters.twitch.eventsub.Inbox`."""

    async def test_what_is_submitted_is_durable(self, stage: InboxStage) -> None:
        """When `submit` returns, the entry is kept, and known on every instance."""
        for number, inbox in enumerate((stage.inbox, stage.other)):
            await inbox.submit(cheers(f"m-{number}"))
            assert await stage.kept() == [f"m-{each}" for each in range(number + 1)]
            assert await stage.inbox.is_known(f"m-{number}")
            assert await stage.other.is_known(f"m-{number}")

    async def test_what_was_not_submitted_is_not_known(self, stage: InboxStage) -> None:
        """An id is known whole: not one that nobody has submitted, nor one that begins as another does."""
        await stage.inbox.submit(cheers("m-10"))
        assert not [each for each in ("m-1", "m-100", "M-10", "") if await stage.inbox.is_known(each)]

    async def test_what_comes_again_is_kept_once(self, stage: InboxStage) -> None:
        """An entry that comes again, later or at once, on any instance, is kept once and is no error."""
        again = [inbox.submit(cheers("m-0")) for inbox in (stage.inbox, stage.other, stage.inbox) * 2]
        await asyncio.gather(*again)
        await stage.other.submit(cheers("m-0"))
        assert await stage.kept() == ["m-0"]

    async def test_a_crowd_is_kept_whole(self, stage: InboxStage) -> None:
        """However many come at once, each is kept once."""
        names = [f"m-{number}" for number in range(300)]
        await asyncio.gather(*(stage.inbox.submit(cheers(name)) for name in names))
        assert sorted(await stage.kept()) == sorted(names)

    async def test_who_gives_up_harms_nobody(self, stage: InboxStage) -> None:
        """Whoever stops waiting, before or during the write, takes nobody else's entry along."""
        tasks = [asyncio.create_task(stage.inbox.submit(cheers(f"m-{number}"))) for number in range(6)]
        await asyncio.sleep(0)
        for each in (tasks[0], tasks[3]):
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert {"m-1", "m-2", "m-4", "m-5"} <= {*await stage.kept()}
        assert [task.cancelled() for task in tasks] == [True, False, False, True, False, False]

    async def test_what_cannot_be_kept_is_unavailable(self, stage: InboxStage) -> None:
        """While nothing can be kept it is Unavailable for each that waits; sent again later, each is kept."""
        stage.go_away()
        submitted = [stage.inbox.submit(cheers(f"m-{number}")) for number in range(3)]
        outcomes = await asyncio.gather(*submitted, return_exceptions=True)
        assert [type(each) for each in outcomes] == [Unavailable] * 3
        with pytest.raises(Unavailable):
            await stage.inbox.is_known("m-0")
        stage.come_back()
        for number in range(3):
            with suppress(Unavailable):  # a connection that was cut is noticed by its next use
                await stage.inbox.submit(cheers(f"m-{number}"))
            await stage.inbox.submit(cheers(f"m-{number}"))
        assert await stage.kept() == ["m-0", "m-1", "m-2"]
