"""Use case of a viewer: a ghost is asked for, and paid with points that the viewer has."""

from uuid import UUID

from attrs import frozen

from showtime_core.domain.events import GhostRequested
from showtime_core.domain.journal import Entry
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.points_and_ghosts.ghosts import ghost_id_of
from showtime_core.domain.points_and_ghosts.points import POINTS_PER_GHOST
from showtime_core.domain.reactions import Policy
from showtime_core.errors import NotEnoughPoints, Unavailable
from showtime_core.ports import Account, Ghosts, UnitOfWork
from showtime_core.use_cases.receive import plan_command


@frozen
class RequestGhost:
    """Use case: a viewer asks for a ghost, to be paid with points that the viewer has."""

    units: UnitOfWork
    account: Account
    ghosts: Ghosts
    policy: Policy

    def require_enabled(self) -> None:
        """Raise Unavailable where this channel has no ghosts."""
        if not frozenset(Feature) <= self.policy.features:
            raise Unavailable("ghosts are off: this channel does without them")

    async def check(self, request: Entry) -> None:
        """Refuse a request that cannot be paid, before anything is recorded; raises NotEnoughPoints.

        A request that was recorded before is not refused: its points may be reserved by now. Raises
        Unavailable where nobody can tell what the viewer has, for then no ghost would begin. This is only a
        first look: the ledger decides later, when the points are reserved.
        """
        assert isinstance(request.content, GhostRequested), "a request of ours"
        if await self.ghosts.first_request(request) is not None:
            return
        if (await self.account.balance(request.content.viewer)).available < POINTS_PER_GHOST:
            raise NotEnoughPoints("not enough points")

    async def submit(self, request: Entry) -> UUID:
        """Record a request, once; returns the id of the ghost that it gets.

        It gets the ghost of an earlier request for the same, if that is still being made or was shown a
        moment ago. Raises LimitReached, leaving no trace, if there are too many. Raises Unavailable if the
        request may or may not have been recorded: submit it again to find out.
        """
        await self.units.record([request], self.policy, plan_command)
        first = await self.ghosts.first_request(request)
        assert first is not None, "it was recorded"
        return ghost_id_of(first)
