"""What must hold at the end of a night: by the independent reference, and by what was seen from outside."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from attrs import evolve

from showtime_core.domain import events as ev
from showtime_core.domain.chat import ChatMessage
from showtime_core.domain.journal import Malformed, Outcome
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import (
    CreditCheer,
    CreditGiftSubs,
    CreditSubscription,
    SummonGhost,
)
from showtime_core.domain.points_and_ghosts.ledger import FlowState
from showtime_core.domain.points_and_ghosts.ledger_matching import expected_credit
from showtime_core.testing.entries import CAST
from showtime_core.testing.machines.effects_invariants import check_ghosts, check_nothing_hangs
from showtime_core.testing.machines.effects_stage import StoredEffects, read_stored
from showtime_core.testing.machines.invariants import check, check_the_journal_replays
from showtime_core.testing.records import StoredRecords, read_memory
from showtime_core.testing.reference import (
    AcceptedTape,
    DeliveredMessage,
    Expected,
    ExpectedNight,
    ExpectedScreening,
    expect,
)
from showtime_core.testing.world.audience import FORGED
from showtime_core.testing.world.judge_show import check_the_show
from showtime_core.testing.world.shown import GHOST

if TYPE_CHECKING:
    from showtime_core.testing.world.audience import Twitch, Watcher
    from showtime_core.testing.world.host import SeededHost
    from showtime_core.testing.world.world import World

_GHOST_POINTS = 200
_Credit = CreditCheer | CreditGiftSubs | CreditSubscription


async def judge(world: "World", twitch: "Twitch", host: "SeededHost", watchers: Sequence["Watcher"]) -> None:
    """Check everything: what is kept, what was seen, and what was paid."""
    stored = read_memory(world.units)
    _check_what_is_recorded(world, twitch, stored)
    expected = _expected(world, host, stored)
    _check_nights(stored, expected)
    alerts = [(each.id, each.payload) for each in world.alerts()]
    shown = [said for _, said in alerts if not said.startswith(GHOST)]
    assert shown == [repr(each) for each in expected.alerts], "the alerts are not those of the reference"
    for watcher in watchers:
        watcher.check(alerts)
    effects = read_stored(world.table)
    check_nothing_hangs(effects)
    check_ghosts(effects, world.services)
    _check_effects(stored, expected)
    _check_ghosts_wait(effects)
    await _check_points(world, expected, effects)
    _check_ghosts_that_were_seen(world, expected, effects, alerts)
    check_the_show(world, [number for number, _ in alerts])


def _check_what_is_recorded(world: "World", twitch: "Twitch", stored: StoredRecords) -> None:
    """All that was told is recorded once, as it was told, and nothing that Twitch has not sent."""
    lines = [line.entry_id for line in stored.journal]
    of_chat = {each.id for each in world.sent.values() if isinstance(each.content, ev.ChatMessageSent)}
    missing = world.sent.keys() - of_chat - set(lines)
    assert not missing, f"{sorted(missing)} are not recorded"
    assert not [name for name in lines if name.startswith(FORGED)], "what is forged was recorded"
    kept = world.units.memory.journal
    changed = [
        name
        for name in lines
        if name in world.sent
        and kept[name].content != world.sent[name].content
        and not isinstance(kept[name].content, Malformed)
    ]
    assert not changed, f"{changed} are not recorded as they were told"
    sent = world.sent.items()
    unreadable = {name for name, entry in sent if isinstance(entry.content, Malformed)}
    parked = {line.entry_id for line in stored.journal if line.outcome is Outcome.PARKED}
    assert parked == unreadable, "what cannot be read is parked, and nothing else"
    written = Counter(line.id for line in world.chat.lines if isinstance(line, ChatMessage))
    said = [each.content for each in world.sent.values()]
    wanted = Counter(each.message_id for each in said if isinstance(each, ev.ChatMessageSent))
    assert written == wanted, "chat is written once"
    latest = 0.0
    for name in lines:
        if name in world.sent:
            latest = max(latest, twitch.first_tried[name])
            assert latest <= twitch.answered[name], (
                f"{name} was answered before what comes before it was sent"
            )
    check(_with_rising_times(stored), dict(kept))
    check_the_journal_replays(stored, dict(kept))


def _with_rising_times(stored: StoredRecords) -> StoredRecords:
    """Give the records as if the clock had never jumped back: nothing else asks for more."""
    latest = accumulate((line.now for line in stored.journal), max)
    lines = zip(stored.journal, latest, strict=True)
    return evolve(stored, journal=tuple(evolve(line, now=now) for line, now in lines))


def _expected(world: "World", host: "SeededHost", stored: StoredRecords) -> Expected:
    """Ask the reference what must come of the night."""
    told = [world.sent[line.entry_id] for line in stored.journal if line.entry_id in world.sent]
    messages = [
        DeliveredMessage(entry.id, entry.sent_at, entry.content)  # type: ignore[arg-type]
        for entry in told
        if not isinstance(entry.content, Malformed)
    ]
    kept, tapes = world.units.memory.journal, list[AcceptedTape]()
    for line in stored.journal:
        content = kept[line.entry_id].content
        if isinstance(content, ev.TapeStarted):
            tapes.append(AcceptedTape(content.tape_id, line.now))
    assert Counter(tape.tape_id for tape in tapes) == Counter(host.tapes), "tapes are on that were accepted"
    tapes.sort(key=lambda tape: tape.at)
    return expect(messages, tapes, shows_recipients=world.policy.alert_gift_recipients)


def _check_nights(stored: StoredRecords, expected: Expected) -> None:
    nights = sorted(
        (ExpectedNight(row.started_at, row.ended_at) for row in stored.broadcasts.values()), key=_start
    )
    assert nights == sorted(expected.nights, key=_start), "the nights are not those of the reference"
    screenings = [
        ExpectedScreening(row.tape_id, row.started_at, row.ended_at) for row in stored.screenings.values()
    ]
    wanted = sorted(expected.screenings, key=_begin)
    assert sorted(screenings, key=_begin) == wanted, "the screenings are not those of the reference"


def _start(night: ExpectedNight) -> tuple[datetime, bool, datetime]:
    return night.started_at, night.ended_at is None, night.ended_at or night.started_at


def _begin(screening: ExpectedScreening) -> tuple[datetime, int]:
    return screening.started_at, screening.tape_id


def _check_effects(stored: StoredRecords, expected: Expected) -> None:
    """What is planned is what must be paid and made."""
    points, ghosts = Counter[str](), Counter[tuple[str, str]]()
    for planned in stored.effects.values():
        effect = planned.effect
        if isinstance(effect, _Credit):
            points[effect.viewer.id] += expected_credit(effect).points
        elif isinstance(effect, SummonGhost):
            ghosts[effect.viewer.id, effect.subject] += 1
    assert points == expected.points, "the points are not those of the reference"
    assert ghosts == expected.ghosts, "the ghosts are not those of the reference"


def _check_ghosts_wait(effects: StoredEffects) -> None:
    """A ghost waits for the points of its cheer, as long as those wait for a person."""
    for key in effects.keys(EffectStatus.PARKED):
        ghost = effects.effects.get(key.replace("credit-cheer", "summon-ghost"))
        is_its_own = ghost is effects.effects[key]
        assert ghost is None or is_its_own or ghost.status is EffectStatus.WAITING, f"{key} is not credited"


async def _check_points(world: "World", expected: Expected, effects: StoredEffects) -> None:
    """Everybody has what was earned, less what was spent on ghosts; nothing was moved twice."""
    made = world.services.moved_by
    twice = sorted({key for key in made if made.count(key) > 1})
    assert not twice, "points were moved twice"
    left = effects.keys(EffectStatus.PARKED, EffectStatus.DISMISSED)
    for viewer in CAST:
        due = expected.points[viewer.id]
        due += sum(expected_credit(one).points for one in world.services.by_hand if one.viewer == viewer)
        for key in left - set(made):
            effect = effects.effects[key].effect
            if isinstance(effect, _Credit) and effect.viewer == viewer:
                due -= expected_credit(effect).points
        balance = await world.services.balance(viewer)
        assert balance.total == due - _GHOST_POINTS * _spent(world, viewer.id)
        is_left = any(effects.effects[key].effect.viewer == viewer for key in left)
        if not is_left:
            assert balance.available == balance.total, f"points of {viewer.login} stay reserved"


def _spent(world: "World", viewer_id: str) -> int:
    flows = world.services.ledger.flows.get(viewer_id, {}).values()
    return sum(flow.points < 0 and flow.state is FlowState.ACCEPTED for flow in flows)


def _check_ghosts_that_were_seen(
    world: "World", expected: Expected, effects: StoredEffects, alerts: Sequence[tuple[int, str]]
) -> None:
    """A ghost was seen for each that was paid, and none that nobody has asked for."""
    seen = Counter(said for _, said in alerts if said.startswith(GHOST))
    asked = Counter[str]()
    for (viewer_id, subject), count in expected.ghosts.items():
        name = next(viewer.name for viewer in CAST if viewer.id == viewer_id)
        asked[repr(("ghost", name, subject))] += count
    assert seen <= asked, "a ghost was seen that nobody has asked for"
    parked = effects.keys(EffectStatus.PARKED)
    paid = sum(_spent(world, viewer.id) for viewer in CAST)
    assert seen.total() <= paid <= seen.total() + len(parked), (
        "a ghost is seen once it is paid, and then only"
    )
