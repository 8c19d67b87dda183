"""What every queue of the show keeps to: a suite of rules, to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from attrs import define, evolve, field

from showtime_core.domain import events as ev
from showtime_core.domain.events import ShowCommanded, ShowCommandName
from showtime_core.domain.journal import Entry
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.kind_rules import IfBusy, InSafeMode, KindRule, default_rule
from showtime_core.domain.show.queue import STREAMED_FOR, Showing, ShowingState
from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.domain.show.taking import NextAnswer, OverlayRole, Wait, as_it_stands
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound, Refused, ShowingOver
from showtime_core.ports import ShowSecrets, ShowStore, UnitOfWork
from showtime_core.testing.entries import BOB, LARRY, MARGE, at
from showtime_core.testing.strategies import entry
from showtime_core.texts import digest_of
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.run_show import RunShow

_LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)
"""By any clock."""
_TRIES = 50
"""So often an overlay reports until it counts as painting: a busy machine may take a second for one."""
_IDS = UUID(int=13)
MINUTE = timedelta(minutes=1)


@define
class ShowStage:
    """A queue on two instances, and a clock that can be set forward."""

    units: UnitOfWork
    show: ShowStore
    other: ShowStore
    secrets: ShowSecrets
    wait: Callable[[timedelta], Coroutine[Any, Any, None]]
    """Lets time pass."""
    showings: Callable[[], Coroutine[Any, Any, Sequence[Showing]]]
    """Gives every showing that was ever kept, in the order of their alerts and attempts."""
    frames: int = 0
    count: int = 0
    run: RunShow = field(init=False)
    elsewhere: RunShow = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the use case before each instance."""
        self.run = RunShow(self.show, self.units, Policy())
        self.elsewhere = RunShow(self.other, self.units, Policy())

    async def begin(self) -> None:
        """Let an overlay have a secret: from then on there is a queue."""
        await self.secrets.add(ShowSecret(UUID(int=1), SecretKind.OVERLAY, "OBS"), digest_of("overlay_1"))

    async def tell(self, *happened: ev.Event) -> list[Entry]:
        """Record that something happens in the channel."""
        entries = []
        for each in happened:
            self.count += 1
            entries.append(entry(f"e{self.count}", each, at(self.count)))
        await receive(entries, self.units, Policy())
        return entries

    async def ask(self, overlay: str = "obs", run: RunShow | None = None) -> NextAnswer:
        """Ask for the next alert, as an overlay that is painting does."""
        for _ in range(_TRIES):
            self.frames += 60
            answer = await (run or self.run).take_next(overlay, self.frames)
            if answer.role is not OverlayRole.NONE:
                return answer
        raise AssertionError(f"{overlay} does not count as painting")

    async def play(self, overlay: str = "obs", run: RunShow | None = None) -> Showing:
        """Take the next alert."""
        answer = await self.ask(overlay, run)
        assert answer.wait is None, answer
        assert answer.playing
        return answer.playing

    async def finish(self, showing: Showing, overlay: str = "obs", run: RunShow | None = None) -> None:
        """Acknowledge a showing, as an overlay does that has painted all the time."""
        await self.wait(timedelta(seconds=showing.seconds))
        self.frames += 60 * 1000
        await (run or self.run).acknowledge(showing.id, overlay, self.frames)

    async def play_all(self, overlay: str = "obs") -> list[int]:
        """Play until nothing waits; gives the alerts, in order."""
        played = []
        while (answer := await self.ask(overlay)).playing:
            played.append(answer.playing.alert.id)
            await self.finish(answer.playing, overlay)
        return played

    async def command(self, name: ShowCommandName, alert_id: int | None = None) -> UUID:
        """Follow a command of the host."""
        self.count += 1
        command_id = uuid5(_IDS, str(self.count))
        await self.run.command(ShowCommanded(command_id, name, alert_id))
        return command_id

    async def states(self) -> list[tuple[int, ShowingState]]:
        """Tell what became of each alert, in each of its showings."""
        return [(each.alert.id, each.state) for each in await self.showings()]

    async def waiting(self) -> list[int]:
        """List the alerts that wait."""
        return [each.alert.id for each in as_it_stands((await self.show.read()).show).waiting]


def follow(viewer: Viewer = MARGE, minutes: float = 0) -> ev.Follow:
    """Somebody follows."""
    return ev.Follow(viewer, at(minutes))


def cheer(bits: int = 100) -> ev.Cheer:
    """Marge cheers."""
    return ev.Cheer(MARGE, bits, "be kind")


def raid(viewers: int = 5) -> ev.Raid:
    """Bob raids."""
    return ev.Raid(BOB, viewers)


PLAYING, SHOWN, SKIPPED = ShowingState.PLAYING, ShowingState.SHOWN, ShowingState.SKIPPED
HELD, MISSED, INTERRUPTED = ShowingState.HELD, ShowingState.MISSED, ShowingState.INTERRUPTED
WAITING = ShowingState.WAITING
LEASE_ENDS = timedelta(seconds=5)


class ShowContract:
    """The rules of `showtime_core.ports.ShowStore`, with the unit of work that records commands."""

    @pytest.fixture
    async def show(self) -> ShowStage:
        """Give a stage on an empty channel that has no queue: override this."""
        raise NotImplementedError

    @pytest.fixture
    async def stage(self, show: ShowStage) -> ShowStage:
        """Give a stage with a queue."""
        await show.begin()
        return show

    # --- the queue -----------------------------------------------------------------------------------

    async def test_the_queue_begins_with_the_first_secret(self, show: ShowStage) -> None:
        """Nothing waits before an overlay has a secret, and what was told before never waits."""
        await show.tell(follow(), cheer())
        assert (await show.ask()).wait is Wait.NOTHING
        with pytest.raises(Refused, match="there is no queue"):
            await show.command(ShowCommandName.PAUSE)
        await show.begin()
        await show.tell(raid())
        assert await show.waiting() == [3]
        await show.secrets.add(ShowSecret(UUID(int=2), SecretKind.OVERLAY, "two"), digest_of("overlay_2"))
        assert await show.play_all() == [3]

    async def test_alerts_that_are_read_without_the_queue_are_told_to_other_instances(
        self, show: ShowStage
    ) -> None:
        """Where alerts are read without the queue, other instances know it for a while."""
        one, other = UUID(int=1), UUID(int=2)
        run = RunShow(show.show, show.units, Policy())
        await run.report_streamed(one)
        assert (await show.other.read()).show.streamed_at is None
        await show.begin()
        await run.report_streamed(one)
        told = (await show.other.read()).show
        assert (told.is_streamed_beside(other), told.is_streamed_beside(one)) == (True, False)
        await show.wait(STREAMED_FOR)
        assert not (await show.other.read()).show.is_streamed_beside(other)

    async def test_alerts_are_played_in_order_and_each_once(self, stage: ShowStage) -> None:
        """Alerts are played one at a time, in the order in which they were told, and each once."""
        await stage.tell(follow(), ev.StreamOnline("night", "live", at(0), at(0)), cheer(), raid())
        assert await stage.waiting() == [1, 3, 4]
        assert await stage.play_all() == [1, 3, 4]
        await stage.tell(cheer())
        assert await stage.play_all() == [5]
        assert await stage.states() == [(1, SHOWN), (3, SHOWN), (4, SHOWN), (5, SHOWN)]

    async def test_a_showing_says_what_is_played_and_for_how_long(self, stage: ShowStage) -> None:
        """What is taken plays for as long as the rule of its kind says at that moment."""
        await stage.run.set_rule("cheer", KindRule(seconds=3.5))
        await stage.tell(cheer(250))
        showing = await stage.play()
        assert (showing.alert.kind, showing.alert.bits, showing.seconds) == ("cheer", 250, 3.5)
        assert (showing.attempt, showing.is_again, showing.overlay) == (1, False, "obs")
        assert showing.began_at

    # --- who leads -----------------------------------------------------------------------------------

    async def test_only_who_is_painting_leads(self, stage: ShowStage) -> None:
        """An overlay leads once its count of frames has grown within a second, and never by one report."""
        await stage.tell(cheer())
        for frames in (500, 500, 400):
            answer = await stage.run.take_next("frozen", frames)
            assert answer == NextAnswer(OverlayRole.NONE, None, Wait.NOT_PAINTING)
        await stage.wait(timedelta(seconds=1.5))
        answer = await stage.run.take_next("frozen", 501)
        assert answer.wait is Wait.NOT_PAINTING  # it may have painted more than a second ago
        assert (await stage.ask("obs")).role is OverlayRole.LEADER

    async def test_the_others_mirror_what_plays(self, stage: ShowStage) -> None:
        """While one overlay leads, others are told what it plays, on whichever instance, and get nothing."""
        await stage.tell(cheer(), raid())
        playing = await stage.play("obs")
        answer = await stage.ask("preview", stage.elsewhere)
        assert (answer.role, answer.wait, answer.playing) == (OverlayRole.MIRROR, Wait.MIRRORING, playing)
        with pytest.raises(ShowingOver, match="another overlay has it"):
            await stage.run.acknowledge(playing.id, "preview", 10**9)
        with pytest.raises(ShowingOver, match="another overlay has it"):
            await stage.run.renew(playing.id, "preview", 10**9)

    async def test_another_takes_the_place_of_a_leader_that_is_gone(self, stage: ShowStage) -> None:
        """Three seconds after the leader last painted another leads; what plays has its lease out first."""
        await stage.tell(cheer())
        first = await stage.play("obs")
        await stage.wait(timedelta(seconds=3.5))
        answer = await stage.ask("second", stage.elsewhere)
        assert (answer.role, answer.wait, answer.playing) == (OverlayRole.LEADER, Wait.PLAYING, None)
        await stage.wait(timedelta(seconds=2))
        again = await stage.play("second", stage.elsewhere)
        assert (again.alert.id, again.attempt) == (first.alert.id, 2)
        assert await stage.states() == [(1, INTERRUPTED), (1, PLAYING)]

    async def test_a_leader_that_freezes_leads_no_longer(self, stage: ShowStage) -> None:
        """A leader that goes on asking, and paints nothing, loses its place like one that is gone."""
        await stage.ask("obs")
        frames = stage.frames
        await stage.wait(timedelta(seconds=3.5))
        assert (await stage.run.take_next("obs", frames)).wait is Wait.NOT_PAINTING
        assert (await stage.ask("second")).role is OverlayRole.LEADER
        assert (await stage.ask("obs")).role is OverlayRole.MIRROR

    async def test_who_asks_again_gets_the_same(self, stage: ShowStage) -> None:
        """A leader whose answer was lost asks again, and gets the same showing and a new lease."""
        await stage.tell(cheer(), raid())
        first = await stage.play()
        await stage.wait(timedelta(seconds=3))
        again = await stage.play()
        assert (again.id, again.attempt) == (first.id, 1)
        assert again.leased_until
        assert first.leased_until
        assert again.leased_until > first.leased_until

    async def test_two_that_ask_at_once_get_one_showing(self, stage: ShowStage) -> None:
        """Whatever asks at once, on two instances, one overlay gets one showing."""
        await stage.tell(*[raid(number) for number in range(5)])
        await stage.ask("a")
        await stage.ask("b", stage.elsewhere)
        stage.frames += 60
        asked = (
            run.take_next(name, stage.frames + number)
            for number in range(4)
            for name, run in (("a", stage.run), ("b", stage.elsewhere))
        )
        answers = await asyncio.gather(*asked)
        assert len({each.playing.id for each in answers if each.playing}) == 1
        assert [state for _, state in await stage.states()] == [PLAYING]

    # --- leases and acknowledgements -----------------------------------------------------------------

    async def test_a_lease_that_is_renewed_holds(self, stage: ShowStage) -> None:
        """A lease holds for five seconds from each report of an overlay that is painting."""
        await stage.run.set_rule("cheer", KindRule(seconds=60))
        await stage.tell(cheer())
        showing = await stage.play()
        for _ in range(4):
            await stage.wait(timedelta(seconds=3))
            for _ in range(_TRIES):  # the first proves nothing: it comes late
                stage.frames += 1
                renewal = await stage.run.renew(showing.id, "obs", stage.frames)
                if renewal.is_renewed:
                    break
            assert renewal.is_renewed
        assert await stage.states() == [(1, PLAYING)]

    async def test_a_lease_of_who_freezes_ends(self, stage: ShowStage) -> None:
        """An overlay that paints nothing renews no lease, and its alert is put back."""
        await stage.run.set_rule("cheer", KindRule(seconds=60))
        await stage.tell(cheer())
        showing = await stage.play()
        await stage.wait(timedelta(seconds=2))
        renewal = await stage.run.renew(showing.id, "obs", stage.frames)
        assert not renewal.is_renewed
        assert timedelta(0) < renewal.holds_for <= timedelta(seconds=3)
        await stage.wait(timedelta(seconds=3))
        with pytest.raises(ShowingOver, match="the showing is over: interrupted: the lease ended"):
            await stage.run.renew(showing.id, "obs", stage.frames)
        assert await stage.waiting() == [1]

    async def test_a_showing_that_nobody_knows_is_refused(self, stage: ShowStage) -> None:
        """Only what was taken can be kept or acknowledged."""
        await stage.tell(cheer())
        for name in (UUID(int=5), uuid5(_IDS, "1")):
            with pytest.raises(NotFound, match="no such showing"):
                await stage.run.renew(name, "obs", 1)
            with pytest.raises(NotFound, match="no such showing"):
                await stage.run.acknowledge(name, "obs", 1)

    async def test_an_acknowledgement_may_come_twice(self, stage: ShowStage) -> None:
        """The second acknowledgement of a showing changes nothing, whatever has played since."""
        await stage.tell(cheer(), raid())
        first = await stage.play()
        await stage.finish(first)
        await stage.play()
        before = await stage.showings()
        await stage.elsewhere.acknowledge(first.id, "obs", 1)
        assert await stage.showings() == before
        assert await stage.states() == [(1, SHOWN), (2, PLAYING)]

    async def test_an_acknowledgement_is_taken_late(self, stage: ShowStage) -> None:
        """A lease that has ended is acknowledged while nobody has taken the alert again: one showing."""
        await stage.tell(cheer())
        showing = await stage.play("obs")
        await stage.wait(timedelta(seconds=30))
        assert (await stage.run.take_next("other", 1)).wait is Wait.NOT_PAINTING  # it notes that it has ended
        assert await stage.states() == [(1, INTERRUPTED), (1, WAITING)]
        await stage.finish(showing, "obs")
        assert await stage.states() == [(1, SHOWN)]
        assert (await stage.ask("other")).wait is Wait.NOTHING

    async def test_an_acknowledgement_that_is_too_late_is_refused(self, stage: ShowStage) -> None:
        """Once somebody has taken the alert again the first showing is over, and the second counts."""
        await stage.tell(cheer())
        first = await stage.play("obs")
        await stage.wait(LEASE_ENDS)
        second = await stage.play("other")
        with pytest.raises(ShowingOver, match="the alert was taken again"):
            await stage.finish(first, "obs")
        await stage.run.acknowledge(second.id, "other", stage.frames + 60 * 1000)
        with pytest.raises(ShowingOver, match="the alert was taken again"):
            await stage.run.acknowledge(first.id, "obs", stage.frames + 120 * 1000)
        assert await stage.states() == [(1, INTERRUPTED), (1, SHOWN)]

    async def test_what_was_not_played_is_not_acknowledged(self, stage: ShowStage) -> None:
        """An overlay that acknowledges before the time, or without having painted, is not believed."""
        await stage.run.set_rule("cheer", KindRule(seconds=30))
        await stage.tell(cheer())
        showing = await stage.play()
        with pytest.raises(ShowingOver, match="too early: it plays for 30 seconds"):
            await stage.run.acknowledge(showing.id, "obs", stage.frames + 60)
        await stage.wait(timedelta(seconds=30))
        for frames in (stage.frames, stage.frames + 5):  # five frames in half a minute
            with pytest.raises(ShowingOver, match="it was not painted"):
                await stage.run.acknowledge(showing.id, "obs", frames)
        await stage.run.acknowledge(showing.id, "obs", stage.frames + 60 * 30)
        assert await stage.states() == [(1, SHOWN)]

    async def test_three_interrupted_showings_are_enough(self, stage: ShowStage) -> None:
        """An alert that was interrupted three times is missed, and the next one plays."""
        await stage.tell(cheer(), raid())
        attempts = []
        for _ in range(3):
            showing = await stage.play()
            attempts.append((showing.alert.id, showing.attempt))
            await stage.wait(LEASE_ENDS)
        assert attempts == [(1, 1), (1, 2), (1, 3)]
        assert (await stage.play()).covers == (2,)
        assert await stage.states() == [(1, INTERRUPTED), (1, INTERRUPTED), (1, MISSED), (2, PLAYING)]
        assert [each.reason for each in await stage.showings()][2] == "interrupted three times"

    # --- missed --------------------------------------------------------------------------------------

    async def test_what_nobody_could_paint_is_missed(self, stage: ShowStage) -> None:
        """An alert is missed when no overlay was painting for ten minutes while it waited."""
        await stage.tell(cheer())
        await stage.wait(4 * MINUTE)
        await stage.tell(raid())
        await stage.wait(7 * MINUTE)
        assert (await stage.play()).covers == (2,)
        assert await stage.states() == [(1, MISSED), (2, PLAYING)]

    async def test_the_ten_minutes_begin_with_the_last_painting(self, stage: ShowStage) -> None:
        """As long as an overlay is painting now and then, what waits is not missed."""
        await stage.command(ShowCommandName.PAUSE)
        await stage.tell(cheer())
        await stage.command(ShowCommandName.RESUME)
        await stage.wait(9 * MINUTE)
        await stage.command(ShowCommandName.PAUSE)
        assert (await stage.ask()).wait is Wait.PAUSED
        await stage.command(ShowCommandName.RESUME)
        await stage.wait(9 * MINUTE)
        assert await stage.play_all() == [1]

    async def test_pauses_are_not_counted(self, stage: ShowStage) -> None:
        """What waits while the show is paused is not missed for that, however long, and open or over."""
        await stage.tell(cheer())
        for _ in range(2):
            await stage.wait(4 * MINUTE)
            await stage.command(ShowCommandName.PAUSE)
            await stage.wait(60 * MINUTE)
            assert await stage.waiting() == [1]
            await stage.command(ShowCommandName.RESUME)
        await stage.tell(raid())
        await stage.wait(1 * MINUTE)
        assert await stage.play_all() == [1, 2]
        await stage.tell(cheer(), raid())
        await stage.wait(4 * MINUTE)
        await stage.command(ShowCommandName.PAUSE)
        await stage.wait(60 * MINUTE)
        await stage.command(ShowCommandName.RESUME)
        await stage.wait(7 * MINUTE)
        assert await stage.play_all() == []
        assert await stage.states() == [(1, SHOWN), (2, SHOWN), (3, MISSED), (4, MISSED)]

    async def test_all_that_is_missed_is_found_however_much_it_is(self, stage: ShowStage) -> None:
        """An overlay that returns plays nothing of what is missed, though it is more than is read at once."""
        await stage.tell(*[raid(number) for number in range(25)])
        await stage.wait(11 * MINUTE)
        await stage.tell(cheer())
        assert await stage.play_all() == [26]
        assert [state for _, state in await stage.states()] == [*[MISSED] * 25, SHOWN]

    async def test_what_was_put_back_is_missed_too(self, stage: ShowStage) -> None:
        """An alert that was put back and then waits for ten minutes without an overlay is missed."""
        await stage.tell(cheer())
        await stage.play()
        await stage.wait(LEASE_ENDS + 11 * MINUTE)
        assert (await stage.ask()).wait is Wait.NOTHING
        assert await stage.states() == [(1, INTERRUPTED), (1, MISSED)]

    # --- the host ------------------------------------------------------------------------------------

    async def test_a_pause_holds(self, stage: ShowStage) -> None:
        """What plays finishes while it is paused; nothing more is taken, and the order stays."""
        await stage.tell(cheer(), raid(), cheer(300))
        first = await stage.play()
        await stage.command(ShowCommandName.PAUSE)
        await stage.finish(first)
        await stage.command(ShowCommandName.PAUSE)
        assert (await stage.ask()).wait is Wait.PAUSED
        assert (await stage.ask("other", stage.elsewhere)).playing is None
        await stage.command(ShowCommandName.RESUME)
        assert await stage.play_all() == [2, 3]

    async def test_what_plays_is_skipped(self, stage: ShowStage) -> None:
        """The host skips what plays: its overlay is told, and the next one plays."""
        await stage.tell(cheer(), raid(), cheer())
        first = await stage.play()
        await stage.command(ShowCommandName.SKIP)
        with pytest.raises(ShowingOver, match="the showing is over: skipped: by the host"):
            await stage.finish(first)
        await stage.command(ShowCommandName.SKIP, 2)
        assert await stage.play_all() == [3]
        assert await stage.states() == [(1, SKIPPED), (2, SKIPPED), (3, SHOWN)]

    async def test_a_command_that_cannot_be_followed_leaves_no_trace(self, stage: ShowStage) -> None:
        """What is refused changes nothing, and its id may be used again."""
        await stage.tell(cheer())
        before = (await stage.show.read()).show
        refused = {
            ShowCommandName.SKIP: "nothing is playing",
            ShowCommandName.SHOW_AGAIN: "nothing was played yet",
            ShowCommandName.HOLD: "name the alert",
            ShowCommandName.RELEASE: "name the alert",
        }
        for name, reason in refused.items():
            stage.count = 100
            with pytest.raises(Refused, match=reason):
                await stage.command(name)
        for name in (ShowCommandName.SKIP, ShowCommandName.HOLD, ShowCommandName.SHOW_AGAIN):
            stage.count = 100
            with pytest.raises(NotFound, match="no such alert"):
                await stage.command(name, 4711)
        stage.count = 100
        with pytest.raises(Refused, match="it is not held"):
            await stage.command(ShowCommandName.RELEASE, 1)
        assert evolve((await stage.show.read()).show, now=before.now) == before
        stage.count = 100
        await stage.command(ShowCommandName.HOLD, 1)
        assert await stage.states() == [(1, HELD)]

    async def test_an_alert_is_shown_again(self, stage: ShowStage) -> None:
        """Any alert is shown again before what waits, one that was missed too; it is no new alert."""
        await stage.tell(cheer(), raid())
        await stage.wait(11 * MINUTE)
        await stage.tell(follow())
        assert await stage.play_all() == [3]
        await stage.tell(cheer(), cheer())
        told = len(await stage.waiting())
        name = await stage.command(ShowCommandName.SHOW_AGAIN, 2)
        await stage.command(ShowCommandName.SHOW_AGAIN)
        with pytest.raises(Refused, match="it waits already"):
            await stage.command(ShowCommandName.SHOW_AGAIN, 4)
        assert await stage.waiting() == [2, 3, 4, 5]
        assert len(await stage.waiting()) == told + 2
        showing = await stage.play()
        assert (showing.id, showing.is_again, showing.alert.id) == (name, True, 2)
        await stage.finish(showing)
        assert await stage.play_all() == [3, 4, 5]

    async def test_what_is_held_waits_for_the_host(self, stage: ShowStage) -> None:
        """What is held is not played until the host releases it, and then in its own place."""
        await stage.tell(cheer(), raid(), cheer(300))
        await stage.command(ShowCommandName.HOLD, 1)
        playing = await stage.play()
        assert playing.covers == (2,)
        with pytest.raises(Refused, match="it does not wait"):
            await stage.command(ShowCommandName.HOLD, 2)
        with pytest.raises(Refused, match="it is held"):
            await stage.command(ShowCommandName.SHOW_AGAIN, 1)
        await stage.wait(20 * MINUTE)
        await stage.command(ShowCommandName.RELEASE, 1)
        assert await stage.waiting() == [1]  # the others have been missed meanwhile
        assert await stage.play_all() == [1]

    async def test_what_waits_is_cleared(self, stage: ShowStage) -> None:
        """All that waits is skipped, however much it is; what plays and what is held stays."""
        await stage.tell(*[cheer() for _ in range(20)])
        playing = await stage.play()
        await stage.command(ShowCommandName.HOLD, 3)
        await stage.command(ShowCommandName.CLEAR)
        await stage.finish(playing)
        await stage.tell(raid())
        assert await stage.play_all() == [21]
        states = dict(await stage.states())
        assert states.pop(1) is SHOWN
        assert states.pop(3) is HELD
        assert states.pop(21) is SHOWN
        assert list(states.values()) == [SKIPPED] * 18

    async def test_modes_are_kept(self, stage: ShowStage) -> None:
        """The host mutes and sets safe mode, and every instance knows it."""
        for name in (ShowCommandName.MUTE, ShowCommandName.SAFE_MODE, ShowCommandName.PAUSE):
            await stage.command(name)
        modes = (await stage.other.read()).show.modes
        assert (modes.is_muted, modes.is_safe, modes.paused_since is None) == (True, True, False)
        for name in (ShowCommandName.UNMUTE, ShowCommandName.END_SAFE_MODE, ShowCommandName.RESUME):
            await stage.command(name)
        modes = (await stage.other.read()).show.modes
        assert (modes.is_muted, modes.is_safe, modes.paused_since) == (False, False, None)

    async def test_nothing_is_taken_while_ads_run(self, stage: ShowStage) -> None:
        """From the moment that Twitch tells of ads until they are over, nothing that waits is taken."""
        await stage.tell(cheer(), ev.AdBreak(at(0), _LONG_AFTER, is_automatic=True))
        answer = await stage.ask()
        assert (answer.wait, answer.playing) == (Wait.ADS, None)

    # --- rules of a kind -----------------------------------------------------------------------------

    async def test_a_joined_kind_becomes_one(self, stage: ShowStage) -> None:
        """Those of a joined kind are taken ten seconds after the first, as one; others do not wait for it."""
        await stage.run.set_rule("follow", evolve(default_rule("follow"), is_joined=True))
        await stage.tell(*[follow(LARRY, number) for number in range(5)], cheer())
        assert (await stage.ask()).playing is not None
        assert await stage.play_all() == [6]
        assert (await stage.ask()).wait is Wait.GATHERING
        await stage.tell(follow(BOB, 9))
        await stage.wait(timedelta(seconds=10))
        showing = await stage.play()
        assert showing.covers == (1, 2, 3, 4, 5, 7)
        await stage.finish(showing)
        assert await stage.play_all() == []
        assert await stage.states() == [(1, SHOWN), (6, SHOWN)]

    async def test_what_was_joined_stays_joined(self, stage: ShowStage) -> None:
        """A joined showing that is interrupted or shown again stands for the same alerts."""
        await stage.run.set_rule("follow", evolve(default_rule("follow"), is_joined=True))
        await stage.tell(follow(), follow(BOB), follow(LARRY))
        await stage.wait(timedelta(seconds=10))
        covered = (await stage.play()).covers
        await stage.wait(LEASE_ENDS)
        again = await stage.play()
        assert (again.covers, again.attempt) == (covered, 2)
        await stage.finish(again)
        await stage.command(ShowCommandName.SHOW_AGAIN)
        assert (await stage.play()).covers == covered == (1, 2, 3)

    async def test_safe_mode_joins_or_drops(self, stage: ShowStage) -> None:
        """In safe mode follows and raids are joined, or dropped where their rule says so; others play."""
        await stage.command(ShowCommandName.SAFE_MODE)
        await stage.run.set_rule("raid", KindRule(in_safe_mode=InSafeMode.DROP))
        await stage.tell(follow(), follow(BOB), raid(), cheer())
        assert await stage.play_all() == [4]
        await stage.wait(timedelta(seconds=10))
        assert (await stage.play()).covers == (1, 2)
        assert (3, SKIPPED) in await stage.states()
        assert "safe mode" in [each.reason for each in await stage.showings()]

    async def test_few_bits_are_not_shown(self, stage: ShowStage) -> None:
        """A cheer of fewer bits than its rule says is skipped, with the reason."""
        await stage.run.set_rule("cheer", KindRule(min_bits=100))
        await stage.tell(cheer(99), cheer(100))
        assert await stage.play_all() == [2]
        assert [each.reason for each in await stage.showings()] == ["fewer than 100 bits", None]

    async def test_a_kind_may_be_skipped_while_the_show_is_busy(self, stage: ShowStage) -> None:
        """What is skipped if busy plays only where nothing played or waited when it came."""
        await stage.run.set_rule("raid", KindRule(if_busy=IfBusy.SKIP))
        await stage.tell(raid())
        first = await stage.play()
        await stage.tell(raid())
        await stage.finish(first)
        await stage.tell(cheer(), raid())
        assert await stage.play_all() == [3]
        await stage.tell(raid())
        assert await stage.play_all() == [5]
        assert await stage.states() == [(1, SHOWN), (2, SKIPPED), (3, SHOWN), (4, SKIPPED), (5, SHOWN)]

    # --- secrets -------------------------------------------------------------------------------------

    async def test_the_first_secret_of_an_overlay_begins_the_queue(self, show: ShowStage) -> None:
        """The secret of a hotkey begins no queue; the first of an overlay does, and withdrawing ends none."""
        hotkey = ShowSecret(UUID(int=7), SecretKind.HOTKEY, "deck")
        await show.secrets.add(hotkey, digest_of("hotkey_7"))
        assert (await show.show.read()).show.cursor is None
        await show.begin()
        begun = (await show.show.read()).show.cursor
        assert begun is not None
        for secret in await show.secrets.list_all():
            await show.secrets.withdraw(secret.id)
        assert (await show.show.read()).show.cursor == begun

    # --- what is over --------------------------------------------------------------------------------

    async def test_what_is_over_is_told_the_newest_first(self, stage: ShowStage) -> None:
        """What was shown, skipped and missed is told with the queue, the newest first."""
        await stage.tell(cheer(), raid(), cheer())
        await stage.play_all()
        await stage.command(ShowCommandName.SHOW_AGAIN, 1)
        await stage.play_all()
        view = await stage.show.read()
        assert [each.alert.id for each in view.recent] == [1, 3, 2, 1]
        assert not [each for each in view.show.showings.values() if each.is_open]
