"""What every log of the night keeps to: a suite of rules, to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import frozen

from showtime_core.domain import events as ev
from showtime_core.domain.events import AlertTested, ShowCommandName
from showtime_core.domain.journal import Outcome
from showtime_core.domain.night_feed.descriptions import types_of
from showtime_core.domain.night_feed.rows import NightAlert, NightKind, NightQuery
from showtime_core.domain.night_feed.totals import POINTS, NightTally
from showtime_core.domain.outbox import EffectStatus
from showtime_core.errors import NotFound, Refused
from showtime_core.ports import NightFeedStore
from showtime_core.testing.contracts.show import ShowStage, cheer, follow, raid
from showtime_core.testing.entries import BOB, MARGE, at

ALL = NightQuery(None, types_of(list(NightKind)), has_trouble=True, limit=100)
EVER = timedelta(days=36500)


@frozen
class NightFeedStage:
    """A channel with a queue, and what the host reads of it."""

    show: ShowStage
    log: NightFeedStore
    finish_effect: Callable[[str], Coroutine[Any, Any, None]]
    """Lets an effect be done, by its key."""

    async def read(self, **asked: Any) -> list[int]:  # noqa: ANN401 - fields of NightQuery
        """Read entries, and give their places."""
        query = NightQuery(**{"since": None, "types": ALL.types, "has_trouble": True, "limit": 100} | asked)
        return [each.position for each in await self.log.entries(query)]

    async def try_out(self, kind: str) -> None:
        """Try out an alert."""
        self.show.count += 1
        await self.show.run.test_alert(AlertTested(UUID(int=1000 + self.show.count), kind))


class NightFeedContract:
    """The rules of `showtime_core.ports.NightFeedStore`, and of alerts that the host tries out."""

    @pytest.fixture
    async def night(self) -> NightFeedStage:
        """Give a stage on an empty channel that has no queue: override this."""
        raise NotImplementedError

    @pytest.fixture
    async def stage(self, night: NightFeedStage) -> NightFeedStage:
        """Give a stage with a queue."""
        await night.show.begin()
        return night

    # --- the feed ------------------------------------------------------------------------------------

    async def test_entries_come_newest_first_in_pages(self, stage: NightFeedStage) -> None:
        """Entries are read from the newest on, so many at a time, before one or after one."""
        await stage.show.tell(follow(), cheer(), raid(), cheer())
        assert await stage.read() == [4, 3, 2, 1]
        assert await stage.read(limit=2) == [4, 3]
        assert await stage.read(limit=2, before=3) == [2, 1]
        assert await stage.read(after=2) == [4, 3]
        assert await stage.read(types=types_of([NightKind.BITS])) == [4, 2]

    async def test_a_night_begins_at_its_time(self, stage: NightFeedStage) -> None:
        """What came before a moment is left out, whatever is asked for beside."""
        await stage.show.tell(follow())
        now, _ = await stage.log.latest_broadcasts()
        assert await stage.read(since=now - EVER) == [1]
        await stage.show.wait(timedelta(seconds=1))
        later, _ = await stage.log.latest_broadcasts()
        assert later >= now
        assert await stage.read(since=later + timedelta(minutes=1)) == []

    async def test_what_led_to_nothing_has_no_row(self, stage: NightFeedStage) -> None:
        """What was reported before, under another id, is no row."""
        event = follow(BOB, 7)
        await stage.show.tell(event, event)
        assert await stage.read() == [1]

    async def test_an_alert_is_told_with_what_became_of_it(self, stage: NightFeedStage) -> None:
        """An entry has its alerts, each as it stands on the screen: waiting, shown, skipped, and why."""
        await stage.show.tell(cheer(), raid(), follow())
        showing = await stage.show.play()
        await stage.show.finish(showing)
        await stage.show.command(ShowCommandName.SKIP, 2)
        entries = {each.position: each for each in await stage.log.entries(ALL)}
        [shown] = entries[1].alerts
        assert (shown.id, shown.state, shown.reason) == (1, "shown", None)
        assert shown.at
        assert entries[2].alerts == (NightAlert(2, "skipped", "by the host", None),)
        assert entries[3].alerts == (NightAlert(3, "waiting", None, None),)

    async def test_an_alert_from_before_the_queue_was_streamed(self, night: NightFeedStage) -> None:
        """An alert that was told before there was a queue never waits: it was streamed."""
        await night.show.tell(cheer())
        await night.show.begin()
        [told] = await night.log.entries(ALL)
        assert told.alerts == (NightAlert(1, "streamed", None, None),)

    async def test_what_became_one_is_told_by_each_entry(self, stage: NightFeedStage) -> None:
        """Alerts that became one with another share what became of it."""
        await stage.show.command(ShowCommandName.SAFE_MODE)
        await stage.show.tell(raid(1), raid(2))
        await stage.show.wait(timedelta(seconds=11))
        await stage.show.finish(await stage.show.play())
        told = [each for each in await stage.log.entries(ALL) if each.alerts]
        assert [each.alerts[0].state for each in told] == ["shown", "shown"]

    async def test_effects_are_told_with_how_far_they_are(self, stage: NightFeedStage) -> None:
        """An entry has what is to be done outside, and how far that is."""
        [told] = await stage.show.tell(cheer(300))
        [entry] = await stage.log.entries(ALL)
        assert [each.status for each in entry.effects] == [EffectStatus.DUE]
        await stage.finish_effect(f"{told.id}:credit-cheer")
        [entry] = await stage.log.entries(ALL)
        assert [each.status for each in entry.effects] == [EffectStatus.DONE]

    async def test_gifts_are_found_with_their_recipients(self, stage: NightFeedStage) -> None:
        """Gifts and recipients between two places are read in order, and nothing else is."""
        received = ev.SubscriptionStart(BOB, "1000", is_gift=True, sent_at=at(1))
        await stage.show.tell(follow(), ev.GiftedSubscriptions(MARGE, "1000", 1), cheer(), received)
        assert [each.position for each in await stage.log.gifts(0, 9)] == [2, 4]
        assert [each.position for each in await stage.log.gifts(3, 4)] == [4]

    # --- marks ---------------------------------------------------------------------------------------

    async def test_what_is_handled_is_marked_once_for_everybody(self, stage: NightFeedStage) -> None:
        """The first mark counts, and can be taken back; both change the revision."""
        await stage.show.tell(cheer())
        words = [await stage.log.revision()]
        for is_handled in (True, True, False):
            await stage.log.mark(1, is_handled=is_handled)
            [entry] = await stage.log.entries(ALL)
            assert (entry.handled_at is not None) == is_handled
            words.append(await stage.log.revision())
        assert len(set(words)) == len(words)
        with pytest.raises(NotFound, match="no such row"):
            await stage.log.mark(2, is_handled=True)

    async def test_the_revision_stays_while_nothing_happens(self, stage: NightFeedStage) -> None:
        """The revision is the same while nothing changes, and another with the next entry."""
        word = await stage.log.revision()
        assert await stage.log.revision() == word
        await stage.show.tell(follow())
        assert await stage.log.revision() != word

    # --- sums ----------------------------------------------------------------------------------------

    async def test_a_night_is_tallied(self, stage: NightFeedStage) -> None:
        """Alerts count with their amounts, and points once they are credited."""
        [told, _, _, _] = await stage.show.tell(
            cheer(300), cheer(200), follow(), ev.GiftedSubscriptions(MARGE, "1000", 5)
        )
        await stage.finish_effect(f"{told.id}:credit-cheer")
        found = {each.what: (each.number, each.amount) for each in await stage.log.tally(None)}
        assert found == {"cheer": (2, 500), "follow": (1, 0), "gift-sub": (1, 5), POINTS: (1, 300)}
        now, _ = await stage.log.latest_broadcasts()
        assert await stage.log.tally(now + timedelta(minutes=1)) == []
        [*told_since] = await stage.log.tally(now - timedelta(minutes=25))
        assert all(isinstance(each, NightTally) for each in told_since)
        assert {each.at for each in told_since} <= {
            now - timedelta(minutes=25) + number * timedelta(minutes=10) for number in range(3)
        }

    async def test_the_latest_broadcasts_are_the_newest_first(self, stage: NightFeedStage) -> None:
        """The two latest broadcasts are told, the newest first."""
        for number, begin in enumerate((0, 600, 1200), 1):
            await stage.show.tell(
                ev.StreamOnline(f"s{number}", "live", at(begin), at(begin)),
                ev.StreamOffline(at(begin + 60), f"s{number}"),
            )
        _, latest = await stage.log.latest_broadcasts()
        assert [each.started_at for each in latest] == [at(1200), at(600)]

    # --- alerts that are tried out -------------------------------------------------------------------

    async def test_what_is_tried_out_waits_pays_nobody_and_counts_nowhere(
        self, stage: NightFeedStage
    ) -> None:
        """An alert that the host tries out waits like any other, and nothing else follows from it."""
        await stage.try_out("cheer")
        [entry] = await stage.log.entries(ALL)
        assert (entry.outcome, entry.effects) == (Outcome.REACTED, ())
        assert [each.state for each in entry.alerts] == ["waiting"]
        assert await stage.log.tally(None) == []
        showing = await stage.show.play()
        assert (showing.alert.kind, showing.alert.is_test) == ("cheer", True)
        await stage.show.finish(showing)
        [entry] = await stage.log.entries(ALL)
        assert [each.state for each in entry.alerts] == ["shown"]

    async def test_a_test_never_becomes_one_with_what_happened(self, stage: NightFeedStage) -> None:
        """Where alerts become one, those that are tried out become one of their own."""
        await stage.show.command(ShowCommandName.SAFE_MODE)
        await stage.show.tell(raid(1), raid(2))
        for _ in range(3):
            await stage.try_out("raid")
        await stage.show.wait(timedelta(seconds=11))
        played = [await stage.show.play()]
        await stage.show.finish(played[0])
        played.append(await stage.show.play())
        assert [(each.alert.is_test, len(each.joined)) for each in played] == [(False, 1), (True, 2)]

    async def test_what_cannot_be_tried_out_leaves_no_trace(self, night: NightFeedStage) -> None:
        """Without a queue nothing is tried out, nor is a kind that is not known: nothing is recorded."""
        with pytest.raises(Refused, match="there is no queue"):
            await night.try_out("cheer")
        await night.show.begin()
        with pytest.raises(Refused, match="no such kind"):
            await night.try_out("nothing")
        assert await night.read() == []

    async def test_a_test_can_be_shown_again(self, stage: NightFeedStage) -> None:
        """What was tried out is shown again as any other alert is."""
        await stage.try_out("follow")
        showing = await stage.show.play()
        await stage.show.finish(showing)
        await stage.show.command(ShowCommandName.SHOW_AGAIN, showing.alert.id)
        again = await stage.show.play()
        assert (again.alert.is_test, again.is_again) == (True, True)
