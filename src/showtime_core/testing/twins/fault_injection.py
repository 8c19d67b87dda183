"""Neighbours that do as they are told: each call waits until it is decided what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from attrs import Factory, define, evolve, field

from showtime_core.domain.points_and_ghosts.effects import Credit
from showtime_core.domain.points_and_ghosts.ledger import Balance, FlowState, Statement, Transaction
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Ambiguous, ContentRefused, Refused, Unavailable
from showtime_core.testing.twins.ledger import MemoryLedger

JPEG = b"\xff\xd8 boo \xff\xd9"


class CallResult(Enum):
    """What becomes of a call to a service."""

    SUCCEEDS = auto()
    NOT_REACHED = auto()
    """Nothing was done, and that is known."""
    LOST_BEFORE = auto()
    """Nothing was done, and that is not known."""
    LOST_AFTER = auto()
    """It was done, and that is not known."""
    LATE = auto()
    """The answer is lost, and it is done a while later, but within the time that a ledger may take."""
    REFUSED = auto()
    """It is refused, for a reason of its own."""
    CRASH_BEFORE = auto()
    """The instance dies, and nothing was done."""
    CRASH_AFTER = auto()
    """The instance dies, and it was done."""
    CRASH_LATE = auto()
    """The instance dies, and it is done a while later."""


_NEVER_SENT = {CallResult.NOT_REACHED, CallResult.REFUSED, CallResult.CRASH_BEFORE, CallResult.LOST_BEFORE}
CRASHES = {CallResult.CRASH_BEFORE, CallResult.CRASH_AFTER, CallResult.CRASH_LATE}
_DONE_AT_ONCE = {CallResult.SUCCEEDS, CallResult.LOST_AFTER, CallResult.CRASH_AFTER}
_DONE_LATE = {CallResult.LATE, CallResult.CRASH_LATE}

Action = Callable[[], Awaitable[Any]]


_LEDGER = frozenset({"credit", "reserve", "accept", "reject", "statement", "find"})
_LOOKS = frozenset({"statement", "find"})


@define(eq=False)
class Call:
    """A call that waits for its fate."""

    name: str
    job: asyncio.Task[Any] | None
    action: Action
    refusal: Refused
    result: asyncio.Future[CallResult]


@define(eq=False)
class Held:
    """A request that a frozen ledger has received: it is performed after the thaw, whoever waits for it."""

    do: Action
    answer: asyncio.Future[Any]

    async def perform(self) -> None:
        """Do what was asked for, and answer whoever waits."""
        try:
            outcome = await self.do()
        except Refused as reason:
            if not self.answer.done():
                self.answer.set_exception(reason)
        else:
            if not self.answer.done():
                self.answer.set_result(outcome)


@define
class FaultyServices:
    """Ledger, painter, bucket and gallery whose calls wait for a result; they outlive every instance.

    Whoever posts does so in a task that has the name of its job. The ledger knows no keys, like the real one:
    asked twice, it credits twice.
    """

    now: Callable[[], datetime]
    delay: timedelta
    calls: list[Call] = Factory(list)
    """Those that wait."""
    late_calls: list[tuple[datetime, Action]] = Factory(list)
    """What is still going to be done, and when."""
    is_frozen: bool = False
    held: list[Held] = Factory(list)
    """What the ledger has received and not done, since it was frozen."""
    unanswered: set[asyncio.Task[Any] | None] = Factory(set)
    """The jobs that wait for an answer to such a request."""
    moved_by: list[str] = Factory(list)
    """The key that each transaction was made for."""
    flows: dict[str, UUID] = Factory(dict)
    """The same by key: the transaction, and the first of several."""
    posts: list[str] = Factory(list)
    """The key that each post was made for."""
    ledger: MemoryLedger = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ledger = MemoryLedger(self.now)

    def freeze(self) -> None:
        """Let the ledger do and answer nothing."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Let it answer at once who looks now, and do later what it was asked before."""
        self.is_frozen = False
        self.late_calls += [(self.now() + self.delay, held.perform) for held in self.held]
        self.held = []

    def waiting(self) -> set[asyncio.Task[Any] | None]:
        """Name the jobs that wait: for their fate, or for a ledger that is or was frozen."""
        undecided = {call.job for call in self.calls if not call.result.done()}
        return undecided | self.unanswered

    async def finish_late_calls(self) -> None:
        """Let those who were slow finish, as far as their time has come."""
        due = [do for at, do in self.late_calls if at <= self.now()]
        self.late_calls = [(at, do) for at, do in self.late_calls if at > self.now()]
        for do in due:
            with suppress(Refused):  # nobody hears it
                await do()

    async def _call(self, what: str, do: Action, refusal: Refused) -> Any:  # noqa: ANN401
        result: asyncio.Future[CallResult] = asyncio.get_running_loop().create_future()
        call = Call(what, asyncio.current_task(), do, refusal, result)
        self.calls.append(call)
        try:
            met = await result
        finally:
            self.calls.remove(call)
        if self.is_frozen and what in _LEDGER and met not in _NEVER_SENT:
            return await self._freeze(call, met)
        if met in _DONE_LATE:
            self.late_calls.append((self.now() + self.delay, do))
        answer = await do() if met in _DONE_AT_ONCE else None
        if met is CallResult.SUCCEEDS:
            return answer
        raise _error(met, call)

    async def _freeze(self, call: Call, met: CallResult) -> Any:  # noqa: ANN401
        """Come to a frozen ledger: who looks gives up, who asks for a change waits until it is answered."""
        if call.name in _LOOKS:
            raise asyncio.CancelledError if met in CRASHES else Unavailable(f"{call.name}: no answer")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.held.append(Held(call.action, answer))
        if met is not CallResult.SUCCEEDS:  # the connection has ended, or the instance
            answer.cancel()
            raise _error(met, call)
        self.unanswered.add(call.job)
        answer.add_done_callback(lambda _: self.unanswered.discard(call.job))
        return await answer

    # --- the ledger ----------------------------------------------------------------------------------

    async def credit(self, credit: Credit, key: str) -> UUID:
        """Credit points, as often as it is asked to."""

        async def do() -> UUID:
            made = await self.ledger.credit(credit, f"transaction {len(self.moved_by)}")
            self.moved_by.append(key)
            self.flows.setdefault(key, made)
            return made

        return await self._call("credit", do, Refused("bad inflow"))  # type: ignore[no-any-return]

    async def reserve(self, viewer: Viewer, points: int, ghost_id: UUID, key: str) -> UUID:
        """Reserve points, as often as it is asked to."""

        async def do() -> UUID:
            number = f"transaction {len(self.moved_by)}"
            made = await self.ledger.reserve(viewer, points, ghost_id, number)
            self.moved_by.append(key)
            self.flows.setdefault(key, made)
            return made

        return await self._call("reserve", do, Refused("bad outflow"))  # type: ignore[no-any-return]

    async def accept(self, viewer: Viewer, flow_id: UUID) -> None:
        """Spend what was reserved."""
        await self._call("accept", lambda: self.ledger.accept(viewer, flow_id), Refused("no"))

    async def reject(self, viewer: Viewer, flow_id: UUID) -> None:
        """Give back what was reserved."""
        await self._call("reject", lambda: self.ledger.reject(viewer, flow_id), Refused("no"))

    async def balance(self, viewer: Viewer) -> Balance:
        """Tell what the viewer has."""
        return await self.ledger.balance(viewer)

    async def statement(self, viewer: Viewer, period: timedelta) -> Statement:
        """List the transactions of a while; nothing at all where the ledger's own database fails."""
        asked_at = self.now()

        async def look() -> Statement:
            shown = await self.ledger.statement(viewer, self.now() - asked_at + period)
            return evolve(shown, asked_at=asked_at)

        try:
            return await self._look("statement", look)  # type: ignore[no-any-return]
        except Ambiguous:
            return Statement((), is_complete=False)

    async def find(self, viewer: Viewer, flow_id: UUID) -> Transaction | None:
        """Find one transaction: none where the ledger's database fails, or as it was where that is behind."""
        seen: list[Transaction] = []

        async def look() -> Transaction | None:
            found = await self.ledger.find(viewer, flow_id)
            seen.extend([found] if found else [])
            return found

        try:
            return await self._look("find", look)  # type: ignore[no-any-return]
        except Ambiguous:
            return evolve(seen[0], state=FlowState.PENDING) if seen else None

    # --- the others ----------------------------------------------------------------------------------

    async def paint(self, prompt: str) -> bytes:
        """Paint an image."""
        return await self._harmless("paint", JPEG, ContentRefused(f"no {prompt}, please"))  # type: ignore[no-any-return]

    async def store(self, key: str, jpeg: bytes) -> str:
        """Store an image."""
        assert jpeg == JPEG
        return await self._harmless("store", f"https://ghosts.example/{key}", Refused("no such bucket"))  # type: ignore[no-any-return]

    async def post(self, username: str, subject: str, jpeg: bytes) -> None:
        """Post a ghost."""
        assert username
        assert subject
        assert jpeg == JPEG
        key = _name_of_task()

        async def do() -> None:
            self.posts.append(key)

        await self._call("post", do, Refused("no such webhook"))

    async def _look(self, what: str, do: Action) -> Any:  # noqa: ANN401
        try:
            return await self._call(what, do, Refused("no"))
        except Refused as reason:  # whoever only looks is never refused for good
            raise Unavailable(str(reason)) from reason

    async def _harmless(self, what: str, answer: object, refusal: Refused) -> Any:  # noqa: ANN401
        async def do() -> object:
            return answer

        try:
            return await self._call(what, do, refusal)
        except Ambiguous as reason:  # doing it twice does no harm
            raise Unavailable(str(reason)) from reason


def _name_of_task() -> str:
    task = asyncio.current_task()
    assert task, "whoever calls is a task"
    return task.get_name()


def _error(result: CallResult, call: Call) -> BaseException:
    if result in CRASHES:
        return asyncio.CancelledError()
    match result:
        case CallResult.REFUSED:
            return call.refusal
        case CallResult.NOT_REACHED:
            return Unavailable(f"{call.name}: not reached")
        case _:
            return Ambiguous(f"{call.name}: the answer was lost")
