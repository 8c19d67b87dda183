"""What every unit of work keeps to of months that two messages tell of: a part of `UnitOfWorkContract`."""

import asyncio
from datetime import timedelta

import pytest

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry, EntrySource, Malformed
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import BOB, MARGE, at, follows
from showtime_core.testing.records import Stage
from showtime_core.testing.strategies import entry, two_of_a_month
from showtime_core.use_cases.receive import plan_changes, receive

POLICY = Policy()


class PaymentContract:
    """One payment earns once, whoever receives its two messages and in whatever order."""

    @pytest.mark.parametrize("is_reversed", [False, True])
    @pytest.mark.parametrize("days", [0, 27.99, 28, -3])
    async def test_a_month_that_is_told_twice_earns_once(
        self,
        stage: Stage,
        days: float,
        is_reversed: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        """The first message is credited, on whichever instance; both are shown; a third is another's."""
        began, shared = two_of_a_month(MARGE, "1000", at(0), timedelta(days=days))
        pair = [entry("began", began), entry("shared", shared)]
        first, second = reversed(pair) if is_reversed else pair
        await receive([first], stage.units, POLICY)
        await receive([second], stage.other, POLICY)
        await receive([second, first, entry("next", shared)], stage.units, POLICY)
        stored = await stage.read()
        assert sorted(stored.effects) == sorted(f"{name}:credit-subscription" for name in (first.id, "next"))
        assert [one.entry_id for one in stored.feed_items] == [first.id, second.id, "next"]
        assert ["within 28 days" in (line.remark or "") for line in stored.journal] == [False, True, False]

    async def test_a_month_that_is_told_twice_at_once_earns_once(self, stage: Stage) -> None:
        """Two instances take the two messages at the same moment, in batches with what else there is."""
        began, shared = two_of_a_month(MARGE, "1000", at(0), timedelta(0))
        await asyncio.gather(
            receive([follows("f"), entry("began", began)], stage.units, POLICY),
            receive([entry("shared", shared), follows("g", BOB)], stage.other, POLICY),
        )
        assert len((await stage.read()).effects) == 1

    async def test_another_month_earns_again(self, stage: Stage) -> None:
        """Later than 28 days, of another tier or viewer, or paid by somebody else."""
        began, shared = two_of_a_month(MARGE, "1000", at(0), timedelta(days=28, seconds=1))
        others: list[ev.Event] = [
            began,
            shared,
            ev.SubscriptionStart(MARGE, "2000", is_gift=False, sent_at=at(1)),
            ev.Resubscription(BOB, "1000", 3, "", at(1)),
            ev.SubscriptionStart(BOB, "1000", is_gift=True, sent_at=at(1)),
        ]
        await receive([entry(f"m-{n}", each) for n, each in enumerate(others)], stage.units, POLICY)
        assert len((await stage.read()).effects) == len(others)

    async def test_a_month_that_is_understood_late_is_the_one_that_was_shared(self, stage: Stage) -> None:
        """What is tried again tells of when it was sent, not of when it is tried."""
        began, shared = two_of_a_month(MARGE, "1000", at(0), timedelta(days=2))
        await receive(
            [entry("began", Malformed("torn"), at(0)), entry("shared", shared)], stage.units, POLICY
        )
        again = Entry(
            "host:again", EntrySource.HOST, "entry.retry", None, ev.EntryRetried("began", began), b""
        )
        await stage.other.record([again], POLICY, plan_changes)
        assert sorted((await stage.read()).effects) == ["shared:credit-subscription"]
