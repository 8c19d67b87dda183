"""What every ledger keeps to: a suite of rules, to be mixed into a class of tests.

class TestHttpLedger(LedgerContract):
    knows_keys = False

    @pytest.fixture
    async def ledger(self): ...  # a Bank; others may use it too, since every test has a viewer of its own

Needs pytest-asyncio in auto mode.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from showtime_core.domain.points_and_ghosts.effects import (
    Credit,
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
)
from showtime_core.domain.points_and_ghosts.ledger import (
    Balance,
    FlowState,
    FlowType,
    Transaction,
    TransactionPage,
    describe_cheer,
    describe_ghost,
    describe_subscription,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotEnoughPoints, NotPending, Refused
from showtime_core.ports import PagedLedger, ReadableLedger

HOUR = timedelta(hours=1)


def key() -> str:
    """Make the key of a change."""
    return f"{uuid4()}:change"


async def cheer(ledger: ReadableLedger, viewer: Viewer, points: int, message: str = "") -> UUID:
    """Credit a cheer."""
    return await ledger.credit(CreditCheer(viewer, points, message), key())


async def reserve(ledger: ReadableLedger, viewer: Viewer, points: int = 200) -> UUID:
    """Reserve points for a ghost."""
    return await ledger.reserve(viewer, points, uuid4(), key())


class LedgerContract:
    """The rules of `showtime_core.ports.Ledger` and `Account`."""

    knows_keys = True
    """Whether the ledger makes a change once, however often it is told its key."""

    @pytest.fixture
    def viewer(self) -> Viewer:
        """Have a viewer whom the ledger has never heard of."""
        number = str(uuid4().int)[:12]
        return Viewer(number, f"vera_{number}", "Vera_Haste")

    @pytest.fixture
    def other(self) -> Viewer:
        """Have another one."""
        number = str(uuid4().int)[:12]
        return Viewer(number, f"otto_{number}", "Otto_Tracking")

    # --- credits ------------------------------------------------------------------------------------

    async def test_a_viewer_begins_with_nothing(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """Nobody has to be introduced."""
        assert await ledger.balance(viewer) == Balance(0, 0)
        statement = await ledger.statement(viewer, HOUR)
        assert statement.transactions == ()
        assert statement.is_complete

    @pytest.mark.parametrize("times", [1, 2, 5])
    async def test_each_kind_is_credited_as_it_is_worth(
        self, ledger: ReadableLedger, viewer: Viewer, times: int
    ) -> None:
        """A cheer earns one to one, a month times its tier, a gift times number and tier."""
        credits_: dict[Credit, tuple[FlowType, int]] = {
            CreditCheer(viewer, 123, "be kind"): (FlowType.CHEER, 123),
            CreditSubscription(viewer, 600, times, is_initial=True, is_gift=False, message=""): (
                FlowType.SUBSCRIPTION,
                600 * times,
            ),
            CreditGiftSubs(viewer, 200, times, 50): (FlowType.GIFT_SUB, 200 * 50 * times),
        }
        ids = [await ledger.credit(credit, key()) for credit in credits_]
        listed = (await ledger.statement(viewer, HOUR)).transactions
        assert [flow.id for flow in listed] == ids[::-1]
        assert [(flow.type, flow.points) for flow in listed] == list(credits_.values())[::-1]
        assert {flow.state for flow in listed} == {FlowState.ACCEPTED}
        total = sum(points for _, points in credits_.values())
        assert await ledger.balance(viewer) == Balance(total, total)

    @pytest.mark.parametrize(
        "message",
        [
            "",
            "a ghost of a baby seal",
            'it\'s "kind"',
            "é" * 64,
            "x" + "é" * 64,
            "👻" * 33,
            "Ⱥ" * 200,
            "\0a\0",
        ],
    )
    async def test_any_message_is_credited(
        self, ledger: ReadableLedger, viewer: Viewer, message: str
    ) -> None:
        """Any message is credited, and the ledger repeats as much of it as it keeps."""
        await cheer(ledger, viewer, 100, message)
        (flow,) = (await ledger.statement(viewer, HOUR)).transactions
        assert flow.description == describe_cheer(message)
        assert flow.points == 100  # noqa: PLR2004 - the bits of the cheer

    @pytest.mark.parametrize(
        ("is_initial", "is_gift", "message"),
        [(True, False, ""), (True, True, ""), (False, False, "still here")],
    )
    async def test_a_month_is_described(
        self, ledger: ReadableLedger, viewer: Viewer, *, is_initial: bool, is_gift: bool, message: str
    ) -> None:
        """What is looked for later can be told apart: first or renewed, given or not, and what was said."""
        month = CreditSubscription(viewer, 600, 2, is_initial=is_initial, is_gift=is_gift, message=message)
        await ledger.credit(month, key())
        (flow,) = (await ledger.statement(viewer, HOUR)).transactions
        assert flow.description == describe_subscription(2, message, is_initial=is_initial, is_gift=is_gift)

    async def test_a_change_that_comes_again(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """A repeated change is the same to a ledger that knows keys, and another to one that does not."""
        credit, same = CreditCheer(viewer, 100, ""), key()
        ids = await asyncio.gather(*(ledger.credit(credit, same) for _ in range(4)))
        changes = 1 if self.knows_keys else 4
        assert len(set(ids)) == changes
        assert (await ledger.balance(viewer)).total == 100 * changes

    # --- ghosts -------------------------------------------------------------------------------------

    async def test_what_is_reserved_is_not_available(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """It is not spent yet either, and says what it is for."""
        await cheer(ledger, viewer, 500)
        flow_id = await reserve(ledger, viewer)
        assert await ledger.balance(viewer) == Balance(500, 300)
        found = await ledger.find(viewer, flow_id)
        assert found
        assert (found.type, found.state, found.points) == (FlowType.ALERT_REDEMPTION, FlowState.PENDING, -200)
        assert found.description == describe_ghost()

    async def test_what_is_accepted_is_spent(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """The total is lowered at last."""
        await cheer(ledger, viewer, 500)
        flow_id = await reserve(ledger, viewer)
        await ledger.accept(viewer, flow_id)
        assert await ledger.balance(viewer) == Balance(300, 300)
        found = await ledger.find(viewer, flow_id)
        assert found
        assert found.state is FlowState.ACCEPTED

    async def test_what_is_rejected_is_back(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """A rejected reservation leaves the balance as if it had never been; the transaction stays."""
        await cheer(ledger, viewer, 500)
        flow_id = await reserve(ledger, viewer)
        await ledger.reject(viewer, flow_id)
        assert await ledger.balance(viewer) == Balance(500, 500)
        found = await ledger.find(viewer, flow_id)
        assert found
        assert found.state is FlowState.REJECTED

    async def test_nobody_spends_what_he_has_not(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """Nobody can reserve more than is available, and nothing is left behind."""
        with pytest.raises(NotEnoughPoints):
            await reserve(ledger, viewer)
        await cheer(ledger, viewer, 399)
        await reserve(ledger, viewer)
        with pytest.raises(NotEnoughPoints):
            await reserve(ledger, viewer)
        assert await ledger.balance(viewer) == Balance(399, 199)

    async def test_the_last_points_can_be_spent(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """A reservation of exactly what is available succeeds."""
        await cheer(ledger, viewer, 200)
        await ledger.accept(viewer, await reserve(ledger, viewer))
        assert await ledger.balance(viewer) == Balance(0, 0)

    async def test_what_is_decided_stays(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """Only the first decision about a reservation counts, neither again nor otherwise."""
        await cheer(ledger, viewer, 500)
        spent, back = await reserve(ledger, viewer), await reserve(ledger, viewer)
        await ledger.accept(viewer, spent)
        await ledger.reject(viewer, back)
        for flow_id in (spent, back):
            for decide in (ledger.accept, ledger.reject):
                with pytest.raises(NotPending):
                    await decide(viewer, flow_id)
        assert await ledger.balance(viewer) == Balance(300, 300)

    async def test_nobody_decides_for_another(
        self, ledger: ReadableLedger, viewer: Viewer, other: Viewer
    ) -> None:
        """Another viewer's reservation is none, nor is one that does not exist."""
        await cheer(ledger, viewer, 500)
        flow_id = await reserve(ledger, viewer)
        for who, which in ((other, flow_id), (viewer, uuid4())):
            for decide in (ledger.accept, ledger.reject):
                with pytest.raises(Refused) as refusal:
                    await decide(who, which)
                assert not isinstance(refusal.value, NotPending)
            assert await ledger.find(who, which) is None
        assert await ledger.balance(viewer) == Balance(500, 300)

    # --- looking ------------------------------------------------------------------------------------

    async def test_the_newest_comes_first_however_many(self, ledger: ReadableLedger, viewer: Viewer) -> None:
        """A statement has no end but that of what there is."""
        ids = [await cheer(ledger, viewer, bits) for bits in range(1, 231)]
        statement = await ledger.statement(viewer, HOUR)
        assert statement.is_complete
        assert [flow.id for flow in statement.transactions] == ids[::-1]
        assert [flow.points for flow in statement.transactions] == list(range(230, 0, -1))

    async def test_a_statement_is_of_one_viewer(
        self, ledger: ReadableLedger, viewer: Viewer, other: Viewer
    ) -> None:
        """A statement is of one viewer, with all that was reserved and decided, and its time."""
        await cheer(ledger, other, 700)
        await cheer(ledger, viewer, 500)
        await ledger.accept(viewer, await reserve(ledger, viewer))
        await ledger.reject(viewer, await reserve(ledger, viewer))
        await reserve(ledger, viewer)
        statement = await ledger.statement(viewer, HOUR)
        assert statement.is_complete
        assert sorted((flow.points, flow.state) for flow in statement.transactions) == [
            (-200, FlowState.ACCEPTED),
            (-200, FlowState.PENDING),
            (-200, FlowState.REJECTED),
            (500, FlowState.ACCEPTED),
        ]
        for flow in statement.transactions:
            assert abs(flow.at - datetime.now(UTC)) < HOUR

    async def test_a_statement_tells_when_it_was_asked_for(
        self, ledger: ReadableLedger, viewer: Viewer
    ) -> None:
        """By the clock that its transactions have, so that it can be told how old they are."""
        await cheer(ledger, viewer, 500)
        statement = await ledger.statement(viewer, HOUR)
        (flow,) = statement.transactions
        assert statement.asked_at
        assert abs(flow.at - statement.asked_at) < HOUR / 2


class PagedLedgerContract(LedgerContract):
    """The rules of `showtime_core.ports.PagedLedger`."""

    @pytest.mark.parametrize("limit", [1, 3, 4, 5, 6])
    async def test_pages_are_all_transactions_one_after_the_other(
        self, ledger: PagedLedger, viewer: Viewer, other: Viewer, limit: int
    ) -> None:
        """Each page begins where the one before said, and together they hold all there is, newest first."""
        await cheer(ledger, viewer, 500)
        spent = await reserve(ledger, viewer)
        await cheer(ledger, other, 700)
        await ledger.accept(viewer, spent)
        await ledger.reject(viewer, await reserve(ledger, viewer))
        await reserve(ledger, viewer)
        await cheer(ledger, viewer, 5)
        listed: list[Transaction] = []
        first: UUID | None = None
        while True:
            page = await ledger.page(viewer, limit, first)
            listed += page.transactions
            assert len(page.transactions) == limit or page.next is None
            if page.next is None:
                break
            first = page.next
        assert tuple(listed) == (await ledger.statement(viewer, HOUR)).transactions
        assert [flow.points for flow in listed] == [5, -200, -200, -200, 500]
        assert Balance.of(listed) == await ledger.balance(viewer) == Balance(305, 105)

    async def test_a_page_begins_with_what_is_named(
        self, ledger: PagedLedger, viewer: Viewer, other: Viewer
    ) -> None:
        """It begins with that transaction itself; from another viewer's, or from none, there is nothing."""
        ids = [await cheer(ledger, viewer, bits) for bits in (1, 2, 3)]
        others = await cheer(ledger, other, 4)
        page = await ledger.page(viewer, 50, ids[1])
        assert [flow.id for flow in page.transactions] == [ids[1], ids[0]]
        assert page.next is None
        for unknown in (others, uuid4()):
            assert await ledger.page(viewer, 50, unknown) == TransactionPage((), None)
        assert await ledger.page(Viewer("0", "nobody", "Nobody"), 50) == TransactionPage((), None)
