"""Use cases of a preflight: the tries of links that take more than one question.

A link that cannot be tried, since something else that it needs does not answer, is unknown: the light of what
it needs tells what is wrong.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import frozen

from showtime_core.domain.preflight.links import Finding, LinkState, failed, not_tried
from showtime_core.domain.preflight.rules import judge_challenge, judge_clock, throw_away
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import ShowtimeError, Unavailable
from showtime_core.ports import (
    Account,
    Channels,
    PainterModel,
    PublicStorage,
    ThrowAwaySubscriptions,
    TwitchClock,
)
from showtime_core.use_cases.keep_subscriptions import Sleep, await_verified

Work = Callable[[], Coroutine[Any, Any, Finding]]
"""Begins what no other instance does meanwhile."""

TRIED_VIEWER = Viewer("1", "showtime", "showtime")
"""For whom a token is issued and a balance is read: nobody is paid, and the broadcaster need not be known."""
_PATIENCE_SECONDS = 2.0
_DELETE_SECONDS = 5.0
_HALF_A_SECOND = timedelta(seconds=0.5)


@frozen
class TryCallback:
    """Makes Twitch challenge us by a throw-away subscription, which is deleted whatever happens.

    Any instance may take the challenge: Twitch is asked how the subscription stands. One that an earlier try
    has left is deleted first.
    """

    login: str
    channels: Channels
    subscriptions: ThrowAwaySubscriptions
    alone: Callable[[Work, float], Awaitable[Finding]]
    """Does work while no other instance does it; raises Unavailable if one has for so many seconds, or if
    nobody can tell."""
    pause: Sleep

    async def __call__(self) -> Finding:
        """Try it."""
        try:
            return await self.alone(self._try, _PATIENCE_SECONDS)
        except Unavailable as reason:
            return not_tried(str(reason))

    async def _try(self) -> Finding:
        """Try it; what goes wrong at Twitch is a finding."""
        try:
            return await self._challenge()
        except ShowtimeError as reason:
            return failed(str(reason))

    async def _challenge(self) -> Finding:
        wanted = throw_away(await self.channels.user_id(self.login))
        making = asyncio.create_task(self.subscriptions.create_anew(wanted))
        try:  # shielded: one that is made all the same is to be deleted
            made = await asyncio.shield(making)
            finding = judge_challenge(await await_verified(made, self.subscriptions, self.pause))
        finally:
            is_deleted = await self._discard(making)
        if finding.state is LinkState.OK and not is_deleted:
            remedy = "nothing: the next try deletes it first"
            return Finding(LinkState.WARNING, f"{finding.said}; what was made for it is not deleted", remedy)
        return finding

    async def _discard(self, making: "asyncio.Task[Any]") -> bool:
        """Delete what was made, as well as can be; tells whether it is deleted."""
        with suppress(ShowtimeError, TimeoutError):
            async with asyncio.timeout(_DELETE_SECONDS):
                await self.subscriptions.delete((await making).id)
                return True
        return False


async def try_ledger(account: Account) -> Finding:
    """Read a balance."""
    await account.balance(TRIED_VIEWER)
    return Finding(LinkState.OK, "a balance came back")


async def try_model(model: PainterModel) -> Finding:
    """Look the model up; whether money is left nobody tells."""
    remedy = "the key works and the model answers; whether money is left, only the painter's own page knows"
    return Finding(LinkState.WARNING, f"{await model.look_up()} answers; credit unknown", remedy)


async def try_storage(storage: PublicStorage, jpeg: bytes, new_id: Callable[[], UUID]) -> Finding:
    """Store, read and delete an object of its own, which has a new id."""
    await storage.prove(f"preflight/{new_id()}.jpg", jpeg)
    return Finding(LinkState.OK, "wrote, read, deleted")


async def try_clock(twitch: TwitchClock, clock: Callable[[], datetime]) -> Finding:
    """Compare clocks: Twitch tells the time between the question and the answer, in whole seconds."""
    before = clock()
    told = await twitch.read()
    return judge_clock(before + (clock() - before) / 2 - (told + _HALF_A_SECOND))
