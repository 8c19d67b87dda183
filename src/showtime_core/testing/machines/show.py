"""A state machine of overlays that die, come back, freeze, duplicate and lie, before a queue of the show.

After every step what the queue has kept must hold: one alert plays at most; an alert has one complete
showing, or a recorded reason why it has none; a second painting follows a recorded interruption; alerts of a
kind begin in order; and a pause holds. In the end an honest overlay plays whatever is left.

Derive from it to play elsewhere than in memory, as from `machines.nights.ChannelMachine`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

from attrs import define, evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from showtime_core.domain.events import Cheer, Event, Follow, Raid, ShowCommandName
from showtime_core.domain.show.kind_rules import IfBusy, InSafeMode, KindRule
from showtime_core.domain.show.queue import Showing, ShowingState, next_showing_id
from showtime_core.domain.show.taking import NextAnswer, OverlayRole, Wait
from showtime_core.errors import Refused, ShowingOver
from showtime_core.testing.contracts.show import ShowStage
from showtime_core.testing.entries import BOB, LARRY, MARGE, at
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork

_SECONDS = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.1, 2.0, 3.0, 4.0, 4.9, 5.1, 11.0, 40.0])
_LONG = st.sampled_from([timedelta(minutes=5), timedelta(minutes=11)])
_HAPPENED = st.sampled_from(["follow", "raid", "cheer", "small cheer"])
_RULES = st.builds(
    KindRule,
    seconds=st.sampled_from([0.5, 3.0, 8.0, 30.0]),
    if_busy=st.sampled_from(IfBusy),
    min_bits=st.sampled_from([1, 50]),
    is_joined=st.booleans(),
    in_safe_mode=st.sampled_from(InSafeMode),
)
_FRAMES_A_SECOND = 60
_SURELY_FROZEN = 2.1
"""After so many seconds without a frame the last proof is over: a second, and a report before it."""

_MOST_ATTEMPTS = 3
_MOST_ROUNDS = 400
"""In which an honest overlay has played whatever is left."""


@define
class Page:
    """A page of an overlay, as it sees itself."""

    name: str
    frames: int = 0
    is_frozen: bool = False
    """It paints nothing, and everything else of it goes on."""
    frozen_for: float = 0.0
    playing: UUID | None = None
    played_for: float = 0.0
    seconds: float = 0.0

    def pass_time(self, seconds: float) -> None:
        """Paint for so long, unless it is frozen."""
        self.played_for += seconds
        if self.is_frozen:
            self.frozen_for += seconds
        else:
            self.frames += round(_FRAMES_A_SECOND * (seconds + 1))


class ShowMachine(RuleBasedStateMachine):
    """Plays in memory, by a clock of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.elapsed = timedelta(0)
        self.count = 0
        self.stage = self.runner.run(self.open_stage())
        self.runner.run(self.stage.begin())
        self.pages = [Page("p0"), Page("p1")]
        self.confirmed: set[UUID] = set()
        self.given: set[UUID] = set()
        """Showings that a page was told to play."""
        self.shared: set[str] = set()
        """Names that two pages have had: what the one painted counts for the other, for a second."""
        self.moved: set[int] = set()
        """Alerts that the host took out of their order."""

    # --- for implementations -----------------------------------------------------------------------

    async def open_stage(self) -> ShowStage:
        """Prepare an empty channel."""
        units = MemoryUnitOfWork(clock=lambda: at(0) + self.elapsed)
        show = MemoryShow(units, limit=5)

        async def wait(time: timedelta) -> None:
            self.elapsed += time

        async def showings() -> Sequence[Showing]:
            return [*show.all_showings.values()]

        return ShowStage(units, show, show, show, wait, showings)

    async def close_stage(self) -> None:
        """Clean up."""

    def teardown(self) -> None:
        """End the night: an honest overlay plays what is left, and nothing is left then."""
        try:
            self.runner.run(self._play_out())
            self.everything_holds()
        finally:
            self.runner.run(self.close_stage())
            self.runner.close()

    # --- what happens in the channel, and what the host does ---------------------------------------

    @rule(happened=st.lists(_HAPPENED, min_size=1, max_size=6))
    def tell(self, happened: list[str]) -> None:
        """Something happens in the channel."""
        self.runner.run(self.stage.tell(*map(self._event, happened)))

    @rule(seconds=_SECONDS)
    def wait(self, seconds: float) -> None:
        """Time passes, and pages that are well go on painting."""
        self._pass(timedelta(seconds=seconds))

    @rule(time=_LONG)
    def wait_for_long(self, time: timedelta) -> None:
        """Nobody reports for minutes."""
        self._pass(time)

    @rule(name=st.sampled_from(ShowCommandName), alert=st.none() | st.integers(1, 30))
    def command(self, name: ShowCommandName, alert: int | None) -> None:
        """The host commands, perhaps what cannot be done."""
        with suppress(Refused):
            self.runner.run(self.stage.command(name, alert))
            if alert is not None and name in {ShowCommandName.HOLD, ShowCommandName.RELEASE}:
                self.moved.add(alert)

    @rule(kind=st.sampled_from(["follow", "raid", "cheer"]), given=_RULES)
    def set_rule(self, kind: str, given: KindRule) -> None:
        """The broadcaster changes how a kind is played."""
        self.runner.run(self.stage.run.set_rule(kind, given))

    # --- what pages do -----------------------------------------------------------------------------

    @rule(data=st.data(), is_lost=st.booleans())
    def report(self, data: st.DataObject, is_lost: bool) -> None:  # noqa: FBT001
        """A page does what it should; the answer may be lost."""
        page = self._page(data)
        if page.playing is None:
            answer = self._ask(page)
            if answer.playing and answer.wait is None and not is_lost:
                page.playing, page.played_for = answer.playing.id, 0.0
                page.seconds = answer.playing.seconds
        elif page.played_for < page.seconds:
            self._keep(page)
        else:
            self._acknowledge(page, page.playing, is_honest=True)

    @rule(data=st.data())
    def play_on(self, data: st.DataObject) -> None:
        """A page that is well reports twice a second, for as long as its alert plays."""
        page = self._page(data)
        for _ in range(20):
            if page.playing is None or page.played_for >= page.seconds:
                break
            self._pass(timedelta(seconds=0.5))
            self._keep(page)
        if page.playing and page.played_for >= page.seconds:
            self._acknowledge(page, page.playing, is_honest=True)

    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A page is loaded anew: it knows nothing, and has another name."""
        page = self._page(data)
        self.count += 1
        self.pages[self.pages.index(page)] = Page(f"q{self.count}")

    @rule(data=st.data())
    def freeze_or_thaw(self, data: st.DataObject) -> None:
        """A page stops painting without knowing it, or goes on."""
        page = self._page(data)
        page.is_frozen, page.frozen_for = not page.is_frozen, 0.0

    @rule(data=st.data())
    def freeze(self, data: st.DataObject) -> None:
        """A page that has painted nothing for seconds gets nothing, and keeps nothing."""
        page = self._page(data)
        if not page.is_frozen:
            page.is_frozen, page.frozen_for = True, 0.0
        self._ask(page)
        self._pass(timedelta(seconds=_SURELY_FROZEN))
        self._ask(page)
        if page.playing and self._is_alone(page):
            with suppress(ShowingOver):
                renewal = self.runner.run(self.stage.run.renew(page.playing, page.name, page.frames))
                assert not renewal.is_renewed

    @precondition(lambda self: len(self.pages) < 4)  # noqa: PLR2004 - enough for any two of a kind
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        """A page is there twice, by one name."""
        page = self._page(data)
        self.shared.add(page.name)
        self.pages.append(evolve(page))

    @precondition(lambda self: self.given)
    @rule(data=st.data(), frames=st.sampled_from([0, 10**6]))
    def lie(self, data: st.DataObject, frames: int) -> None:
        """A page acknowledges, or keeps, what it was never given, or has not played, or what is long over."""
        page, name = self._page(data), data.draw(st.sampled_from(sorted(self.given)))
        page.frames += frames
        with suppress(ShowingOver):
            self.runner.run(self.stage.run.renew(name, page.name, page.frames))
        self._acknowledge(page, name, is_honest=False)

    @rule()
    def take_over(self) -> None:
        """Five seconds after everybody fell silent, whoever paints leads."""
        self._pass(timedelta(seconds=5))
        self.count += 1
        answer = self.runner.run(self.stage.ask(f"t{self.count}", self.stage.elsewhere))
        assert answer.role is OverlayRole.LEADER
        assert answer.wait is not Wait.PLAYING
        if answer.playing:
            self.given.add(answer.playing.id)

    # --- what holds --------------------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        """Whatever was done, what is kept is in order."""
        showings = self.runner.run(self.stage.showings())
        view = self.runner.run(self.stage.show.read())
        by_id = {each.id: each for each in showings}
        self._check_playing(showings)
        assert all(by_id[name].state is ShowingState.SHOWN for name in self.confirmed)
        for each in showings:
            before = next((one for one in showings if next_showing_id(one.id) == each.id), None)
            assert (each.attempt == 1) is (before is None)
            assert each.attempt <= _MOST_ATTEMPTS
            if before:
                assert (before.state, before.attempt + 1) == (ShowingState.INTERRUPTED, each.attempt)
                assert before.covers == each.covers
            if each.state in {ShowingState.SKIPPED, ShowingState.MISSED, ShowingState.INTERRUPTED}:
                assert each.reason
        since = view.show.modes.paused_since
        assert not since or all(each.began_at <= since for each in showings if each.began_at)
        arrived = {each.id for each in view.show.arrivals}
        assert view.show.cursor is not None
        assert all(number > view.show.cursor for number in arrived)
        covered = [number for each in _firsts(showings) for number in each.covers]
        assert len(covered) == len(set(covered))
        assert not arrived & set(covered)

    def _check_playing(self, showings: Sequence[Showing]) -> None:
        assert [each.state for each in showings].count(ShowingState.PLAYING) <= 1
        shown = [each for each in showings if each.state is ShowingState.SHOWN]
        roots = [_root(each, showings) for each in shown]
        assert len(roots) == len(set(roots)), "one complete showing of each"
        for kind in ("follow", "raid", "cheer"):
            began = [
                each
                for each in _firsts(showings)
                if each.alert.kind == kind and each.began_at and not self.moved & set(each.covers)
            ]
            began.sort(key=lambda each: each.alert.id)
            for first, second in pairwise(began):
                assert first.began_at
                assert second.began_at
                assert first.began_at <= second.began_at

    # --- how it is done ----------------------------------------------------------------------------

    def _event(self, happened: str) -> Event:
        self.count += 1
        match happened:
            case "follow":
                return Follow(LARRY, at(self.count))
            case "raid":
                return Raid(BOB, 5)
            case "cheer":
                return Cheer(MARGE, 100, "be kind")
            case _:
                return Cheer(MARGE, 5, "")

    def _page(self, data: st.DataObject) -> Page:
        return data.draw(st.sampled_from(self.pages))

    def _pass(self, time: timedelta) -> None:
        self.runner.run(self.stage.wait(time))
        for page in self.pages:
            page.pass_time(time.total_seconds())

    def _ask(self, page: Page) -> NextAnswer:
        answer = self.runner.run(self.stage.run.take_next(page.name, page.frames))
        if answer.playing and answer.wait is None:
            self.given.add(answer.playing.id)
            assert not (self._is_alone(page) and page.frozen_for >= _SURELY_FROZEN), "it paints nothing"
        return answer

    def _is_alone(self, page: Page) -> bool:
        return page.name not in self.shared

    def _keep(self, page: Page) -> None:
        assert page.playing
        try:
            self.runner.run(self.stage.run.renew(page.playing, page.name, page.frames))
        except ShowingOver:
            page.playing = None

    def _acknowledge(self, page: Page, name: UUID, *, is_honest: bool) -> None:
        with suppress(ShowingOver):
            self.runner.run(self.stage.run.acknowledge(name, page.name, page.frames))
            self.confirmed.add(name)
        if is_honest:
            page.playing = None

    async def _play_out(self) -> None:
        stage = self.stage
        for name in (ShowCommandName.RESUME, ShowCommandName.END_SAFE_MODE):
            await stage.command(name)
        await stage.wait(timedelta(seconds=11))
        await stage.play_all("honest")
        for _ in range(_MOST_ROUNDS):
            if not (await stage.show.read()).show.arrivals:
                break
            await stage.play_all("honest")  # it is told to wait while many are dropped
        assert (await stage.ask("honest")).wait is Wait.NOTHING
        states = {each.state for each in await stage.showings()}
        assert not states & {ShowingState.WAITING, ShowingState.PLAYING}


def _firsts(showings: Sequence[Showing]) -> list[Showing]:
    """Give the first showings of alerts, but for those that the host had shown again."""
    return [each for each in showings if each.attempt == 1 and not each.is_again]


def _root(showing: Showing, showings: Sequence[Showing]) -> UUID:
    """Find the showing with which it began: the first, or that of the command to show it again."""
    before = next((each for each in showings if next_showing_id(each.id) == showing.id), None)
    return _root(before, showings) if before else showing.id
