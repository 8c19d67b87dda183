"""The hype train that is under way, as pages read it."""

from typing import Annotated

from msgspec import Struct

from showtime_app.web.openapi.descriptions import says
from showtime_app.web.times import TimeField, convert_to
from showtime_core.domain.broadcasts.broadcast import ChannelState


class RunningTrain(Struct, rename="camel"):
    """How far it is on its way to the next level."""

    id: Annotated[str, says("Names the train, at Twitch.")]
    level: Annotated[int, says("The level that it is on.")]
    progress: Annotated[int, says("Points that were given towards the next level.")]
    goal: Annotated[int, says("Points that the next level takes.")]
    expires_at: Annotated[
        TimeField | None, says("When it ends unless it comes to the next level; null: not told.")
    ]


class TrainDocument(Struct, rename="camel"):
    """The hype train, if one is under way."""

    hype_train: Annotated[RunningTrain | None, says("Null: none is.")] = None


def describe_train(state: ChannelState) -> TrainDocument:
    """Describe the train; Twitch tells of its end."""
    train = state.hype_train
    if train is None or train.is_over:
        return TrainDocument()
    return TrainDocument(convert_to(RunningTrain, train))
