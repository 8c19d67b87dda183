"""A ledger in memory: for unit tests, and as the model of every other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from attrs import Factory, evolve, mutable

from showtime_core.domain.points_and_ghosts.effects import Credit
from showtime_core.domain.points_and_ghosts.ledger import (
    Balance,
    FlowState,
    Statement,
    Transaction,
    TransactionPage,
)
from showtime_core.domain.points_and_ghosts.ledger_matching import (
    ExpectedTransaction,
    expected_credit,
    expected_reservation,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotEnoughPoints, NotPending, Refused

_FLOWS = UUID("2f1b7a2e-5d0f-4c0c-9a43-0c5a6f1d8e11")
"""The name space of ids: a key has one transaction."""


def _read_clock() -> datetime:
    return datetime.now(UTC)


@mutable
class MemoryLedger:
    """Keeps the points of viewers; one that knows keys makes each change once."""

    clock: Callable[[], datetime] = _read_clock
    flows: dict[str, dict[UUID, Transaction]] = Factory(dict)
    """By viewer, oldest first."""

    async def credit(self, credit: Credit, key: str) -> UUID:
        """Credit points; returns the transaction's id."""
        return self._record(credit.viewer, key, expected_credit(credit))

    async def reserve(self, viewer: Viewer, points: int, ghost_id: UUID, key: str) -> UUID:  # noqa: ARG002
        """Reserve points for a ghost; returns the transaction's id. Raises NotEnoughPoints."""
        is_known = uuid5(_FLOWS, key) in self._of(viewer)
        if not is_known and (await self.balance(viewer)).available < points:
            raise NotEnoughPoints("not enough points")
        return self._record(viewer, key, expected_reservation(points))

    async def accept(self, viewer: Viewer, flow_id: UUID) -> None:
        """Spend what was reserved. Raises NotPending where that is decided already."""
        self._finalise(viewer, flow_id, FlowState.ACCEPTED)

    async def reject(self, viewer: Viewer, flow_id: UUID) -> None:
        """Give back what was reserved. Raises NotPending where that is decided already."""
        self._finalise(viewer, flow_id, FlowState.REJECTED)

    async def balance(self, viewer: Viewer) -> Balance:
        """Tell what the viewer has."""
        return Balance.of(self._of(viewer).values())

    async def statement(self, viewer: Viewer, period: timedelta) -> Statement:
        """List the transactions of the last while."""
        now = self.clock()
        found = (flow for flow in reversed(self._of(viewer).values()) if flow.at >= now - period)
        return Statement(tuple(found), is_complete=True, asked_at=now)

    async def find(self, viewer: Viewer, flow_id: UUID) -> Transaction | None:
        """Find one transaction; None if there is none."""
        return self._of(viewer).get(flow_id)

    async def page(self, viewer: Viewer, limit: int, first: UUID | None = None) -> TransactionPage:
        """List so many transactions, newest first, from one on."""
        flows = [*reversed(self._of(viewer).values())]
        begins = next((at for at, flow in enumerate(flows) if flow.id == first), len(flows)) if first else 0
        return TransactionPage.of(flows[begins:], limit)

    def _of(self, viewer: Viewer) -> dict[UUID, Transaction]:
        return self.flows.setdefault(viewer.id, {})

    def _record(self, viewer: Viewer, key: str, new: ExpectedTransaction) -> UUID:
        id_ = uuid5(_FLOWS, key)
        flow = Transaction(id_, new.type, new.state, new.points, new.description, self.clock())
        self._of(viewer).setdefault(id_, flow)
        return id_

    def _finalise(self, viewer: Viewer, flow_id: UUID, state: FlowState) -> None:
        flow = self._of(viewer).get(flow_id)
        if flow is None:
            raise Refused("no such transaction")
        if flow.state is not FlowState.PENDING:
            raise NotPending("transaction is not pending")
        self._of(viewer)[flow_id] = evolve(flow, state=state, at=self.clock())
