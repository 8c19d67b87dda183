"""The operator's routes: what is parked, and what becomes of it."""

import uuid
from collections.abc import Sequence
from typing import Annotated, assert_never

from attrs import evolve
from litestar import Router, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.times import DATE_TIME, Time
from showtime_core.domain.journal import ParkedEntry
from showtime_core.domain.outbox import Job, ParkedEffect
from showtime_core.domain.parked import Decision, allowed_decisions
from showtime_core.domain.points_and_ghosts import effects
from showtime_core.errors import NotFound
from showtime_core.use_cases.decide_parked import DecideParked

_MOST = 1000


class ParkedItem(Struct):
    """A message or an effect that waits for the operator."""

    id: Annotated[str, says("Names it, for deciding about it.")]
    kind: Annotated[str, says("What it is.", enum=["message", "effect"])]
    type: Annotated[str, says("EventSub's type of the message, or the kind of effect.")]
    about: Annotated[str, says("What it is about, in words; empty for a message, which is not understood.")]
    reason: Annotated[str, says("Why it is parked.")]
    since: Annotated[Time, says("When the latest try began.", **DATE_TIME)]
    tries: Annotated[int, says("How often it was tried.")]
    choices: Annotated[Sequence[str], says("What may be decided.", items={"enum": [*Decision]})]


class ParkedList(Struct):
    """What is parked."""

    parked: Annotated[list[ParkedItem], says("Messages first, each kind with the oldest first.")]


class ParkedName(Struct):
    """One that is parked."""

    id: Annotated[str, says("Its name, as the list tells it.", minLength=1)]


Limit = Annotated[
    int, QueryParameter(ge=1, le=_MOST, description="List so many messages and so many effects at most.")
]
DecisionName = Annotated[
    str,
    says(
        "`retry`: it is tried again; `dismiss`: it is let go; `done`: it has happened.",
        type="string",
        enum=[*Decision],
    ),
]


def list_router(use_case: DecideParked) -> Router:
    """Make the route that lists what is parked."""

    @get("/", opt=said("list_parked"))
    async def list_parked(limit: Limit = 100) -> ParkedList:
        """List what is parked: messages whose reaction failed, and effects that nobody can finish."""
        return ParkedList([describe_parked(each) for each in await use_case.parked_items.list_parked(limit)])

    return Router("/parked", route_handlers=[list_parked])


def decision_router(use_case: DecideParked) -> Router:
    """Make the route that decides."""

    @post("/{decision:str}", status_code=204, opt=said("decide"))
    async def decide(decision: DecisionName, data: JSONBody[ParkedName]) -> None:
        """Decide about one that is parked."""
        if decision not in list(Decision):
            raise NotFound(f"no such decision: choose {', '.join(Decision)}")
        await use_case.decide(Decision(decision), data.id, uuid.uuid4())

    return Router("/parked", route_handlers=[decide])


def describe_parked(parked: ParkedEntry | ParkedEffect) -> ParkedItem:
    """Tell of one that is parked."""
    match parked:
        case ParkedEntry(entry, _, reason, since):
            choices: Sequence[Decision] = [Decision.RETRY, Decision.DISMISS]
            return ParkedItem(entry.id, "message", entry.type, "", reason, Time.of(since), 1, choices)
        case ParkedEffect(job, reason, since):
            kind, about, choices = effects.effect_kind(job.effect), _about(job), allowed_decisions(job.effect)
            return ParkedItem(job.key, "effect", kind, about, reason, Time.of(since), job.attempts, choices)
        case _:
            assert_never(parked)


def _about(job: Job) -> str:
    if isinstance(job.effect, effects.CheckForDouble):
        return _about(evolve(job, effect=job.effect.of))
    name = job.effect.viewer.name
    match job.effect:
        case effects.CreditCheer(_, points, message):
            return f"{points} points for {name}, who cheered: {message}"
        case effects.CreditSubscription(_, base, times):
            return f"{base * times} points for {name}, who subscribes"
        case effects.CreditGiftSubs(_, base, times, count):
            return f"{base * times * count} points for {name}, who gave {count} subscriptions"
        case effects.SummonGhost(_, _, subject):
            return f"a ghost of {subject}, for {name}"
        case effects.AdvanceGhost():
            subject = job.ghost.subject if job.ghost else "?"
            return f"a ghost of {subject}, for {name}"
        case _:
            assert_never(job.effect)
