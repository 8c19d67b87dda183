"""Group commit over a channel in memory is an inbox, alone and behind one that sorts chat out."""

from functools import partial

import pytest

from showtime_adapters.twitch.eventsub import RoutingInbox
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Unavailable
from showtime_core.testing.contracts.inbox import InboxContract, InboxStage
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.receive import receive


class Channel:
    """A channel in memory that may be away."""

    def __init__(self):
        self.units, self.is_away = MemoryUnitOfWork(), False

    async def receive(self, entries):
        self._answer()
        await receive(entries, self.units, Policy())

    async def is_known(self, entry_id):
        self._answer()
        return entry_id in self.units.memory.journal

    async def kept(self):
        return [*self.units.memory.journal]

    def _answer(self):
        if self.is_away:
            raise Unavailable("the database is away")


@pytest.fixture
async def over_memory():
    """Set a stage of two instances over one channel in memory."""
    channel = Channel()
    async with (
        GroupCommit(channel.receive, channel.is_known) as one,
        GroupCommit(channel.receive, channel.is_known) as other,
    ):
        be_away = partial(setattr, channel, "is_away")
        yield InboxStage(one, other, channel.kept, partial(be_away, True), partial(be_away, False))


class TestMemoryInbox(InboxContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self, over_memory):
        return over_memory


class TestRoutingInbox(InboxContract):
    """The contract, behind an inbox that sorts chat out."""

    @pytest.fixture
    async def stage(self, over_memory):
        of_chat = Channel()
        async with GroupCommit(of_chat.receive, of_chat.is_known) as chat:
            inboxes = RoutingInbox(over_memory.inbox, chat), RoutingInbox(over_memory.other, chat)
            yield InboxStage(*inboxes, over_memory.kept, over_memory.go_away, over_memory.come_back)
            assert await of_chat.kept() == []
