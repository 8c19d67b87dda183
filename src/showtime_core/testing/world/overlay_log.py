"""What overlays have seen of the show: by this alone it is judged who led, and what was shown."""

from collections.abc import Sequence
from uuid import UUID

from attrs import Factory, define, frozen

_LEADS_SECONDS = 3.0
"""So long an overlay leads after its last proof that it paints."""
_LEASE_SECONDS = 5.0
_MOST_TRIES = 3
_PROOF_SECONDS = 2.5
"""Who has painted nothing for so long cannot have shown anything: a proof holds for a second after a report,
which comes within a second."""
_LATEST_SECONDS = 60.0
_MOST_SHORT = 0.85
"""The part of its time that a showing must have played, by any clock."""


@frozen
class OverlayCall:
    """A request that an overlay has sent, and the answer that it has heard."""

    overlay: str
    sent: float
    heard: float | None = None
    """None: no answer came."""


@frozen
class Taken(OverlayCall):
    """It was given something to play."""

    showing: UUID = UUID(int=0)
    covers: tuple[int, ...] = ()
    attempt: int = 1
    seconds: float = 0.0


@frozen
class Acknowledged(OverlayCall):
    """It has reported that it has played something to its end."""

    taken: Taken | None = None
    painted_at: float = 0.0
    """When it has last painted."""


@define
class OverlayLog:
    """What all overlays of a night have seen."""

    led: list[OverlayCall] = Factory(list)
    """It was told that it leads."""
    taken: list[Taken] = Factory(list)
    accepted: list[Acknowledged] = Factory(list)
    unheard: list[OverlayCall] = Factory(list)
    """Nobody knows what came of these: requests for the next alert, and acknowledgements."""
    told_that_another_plays: list[OverlayCall] = Factory(list)
    renewed: list[OverlayCall] = Factory(list)

    def check(
        self, alerts: Sequence[int], jumps: Sequence[float], pauses: Sequence[tuple[float, float]]
    ) -> None:
        """Check all; `jumps` are the times at which the clock has jumped, by which leases are counted."""
        self._check_one_leads(jumps)
        self._check_one_plays(jumps)
        self._check_acknowledgements()
        self._check_all_is_shown(alerts)
        self._check_the_leader_goes_on(jumps)
        for begins, ends in pauses:
            new = [each for each in self.taken if each.sent > begins and _heard(each) < ends]
            known = {each.showing for each in self.taken if each.sent <= begins}
            fresh = [each for each in new if each.showing not in known]
            assert all(self._may_be_known(each, begins) for each in fresh), "something was taken in a pause"

    def _may_be_known(self, taken: Taken, begins: float) -> bool:
        """Whether it may have been given before, by an answer that was lost."""
        return any(each.overlay == taken.overlay and each.sent <= begins for each in self.unheard)

    def _check_one_leads(self, jumps: Sequence[float]) -> None:
        """Nobody leads while another does, who has proved a moment ago that it paints."""
        last: dict[str, OverlayCall] = {}
        for call in sorted(self.led, key=lambda each: each.sent):
            for other in last.values():
                is_after, is_soon = call.sent > _heard(other), _heard(call) < other.sent + _LEADS_SECONDS
                if other.overlay != call.overlay and is_after and is_soon:
                    assert _jumped(jumps, other.sent, _heard(call)), (
                        f"{call.overlay} and {other.overlay} lead"
                    )
            last[call.overlay] = call

    def _check_one_plays(self, jumps: Sequence[float]) -> None:
        """Nobody is given an alert while another holds one, by a lease that has not ended."""
        holding: dict[str, tuple[Taken, float]] = {}
        ended = {each.taken.showing for each in self.accepted if each.taken}
        unsure = {each.overlay for each in self.unheard}
        for taken in sorted(self.taken, key=lambda each: each.sent):
            for overlay, (held, lease) in holding.items():
                if overlay == taken.overlay or held.showing in ended or overlay in unsure:
                    continue
                is_too_soon = taken.sent > _heard(held) and _heard(taken) < lease
                assert not is_too_soon or _jumped(jumps, held.sent, _heard(taken)), (
                    f"{taken.overlay} and {overlay} play at once"
                )
            holding[taken.overlay] = taken, taken.sent + _LEASE_SECONDS

    def _check_acknowledgements(self) -> None:
        """What counts as shown was painted and played to its end, and each alert counts once."""
        counted = dict[int, UUID]()
        for each in self.accepted:
            taken = each.taken
            assert taken, "it was played"
            played = _heard(each) - self._may_have_begun(taken)
            assert played >= taken.seconds * _MOST_SHORT, (
                f"{taken.covers} counts, and was played for {played:g} s"
            )
            is_proved = each.sent - each.painted_at <= _PROOF_SECONDS or self._may_be_proved_late(each)
            assert is_proved, f"{taken.covers} counts, and nobody has painted"
            for number in taken.covers:
                assert counted.setdefault(number, taken.showing) == taken.showing, f"{number} counts twice"

    def _may_be_proved_late(self, ack: Acknowledged) -> bool:
        """Tell whether a frozen instance may have handed on late what it has said while it painted."""
        lost = (each for each in self.unheard if each.overlay == ack.overlay)
        return any(0 < ack.sent - each.sent < _LATEST_SECONDS for each in lost)

    def _may_have_begun(self, taken: Taken) -> float:
        """Tell when it was given first: by this answer, or by one before that was lost."""
        given = min(each.sent for each in self.taken if each.showing == taken.showing)
        lost = [each.sent for each in self.unheard if each.overlay == taken.overlay]
        lost = [at for at in lost if given - 2 * _LEASE_SECONDS < at < given]
        return min(lost, default=given)

    def _check_all_is_shown(self, alerts: Sequence[int]) -> None:
        """Each alert was shown, as far as overlays know, and in order; unless each try was interrupted."""
        shown = {number for each in self.accepted if each.taken for number in each.taken.covers}
        for number in alerts:
            tries = {each.showing for each in self.taken if number in each.covers}
            is_clear = number in shown or len(tries) + len(self.unheard) >= _MOST_TRIES
            assert is_clear, f"alert {number} was not shown"
        firsts = list(
            dict.fromkeys(each.covers[0] for each in sorted(self.taken, key=lambda each: each.sent))
        )
        assert firsts == sorted(firsts), "alerts are shown in their order"

    def _check_the_leader_goes_on(self, jumps: Sequence[float]) -> None:
        """Who leads is not told that another plays, while no other can."""
        for call in self.told_that_another_plays:
            since = call.sent - _LEASE_SECONDS
            others = [
                each
                for each in (*self.taken, *self.renewed, *self.unheard)
                if each.overlay != call.overlay and since <= _done_by(each) and each.sent <= _heard(call)
            ]
            assert others or _jumped(jumps, since - _LEASE_SECONDS, _heard(call)), (
                f"{call.overlay} leads, and is told that another plays"
            )


def _heard(call: OverlayCall) -> float:
    assert call.heard is not None, "an answer was heard"
    return call.heard


def _done_by(call: OverlayCall) -> float:
    """Tell by when what was asked was done: what was not answered may have come to a frozen instance."""
    return call.sent + _LATEST_SECONDS if call.heard is None else call.heard


def _jumped(jumps: Sequence[float], begin: float, end: float) -> bool:
    return any(begin <= at <= end for at in jumps)
