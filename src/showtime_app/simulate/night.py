"""A believable evening, written down as a list of steps; who comes and what is said depends on the seed."""

from collections.abc import Iterator
from random import Random

from attrs import evolve, frozen

from showtime_app.simulate import cast
from showtime_app.simulate.cast import Tape
from showtime_app.simulate.catalogue import GIFT, consequences, event_type
from showtime_app.simulate.wishes import Scene, Wishes
from showtime_core.domain.viewers import Viewer

MINUTE = 60
DROP_OUT_SECONDS = 5 * MINUTE
"""Shorter than the 15 minutes within which a broadcast is resumed."""
_DROPS_AT = 35 * MINUTE
_RESUMES_AT = _DROPS_AT + DROP_OUT_SECONDS
_ENDS_AT = 70 * MINUTE
_ON_AIR = ((2 * MINUTE, 34 * MINUTE), (41 * MINUTE, 67 * MINUTE))
"""When viewers do something by themselves; seconds of the evening."""
_SHOWTIME_HOUR = 20


@frozen
class Beat:
    """One event of a step."""

    name: str
    wishes: Wishes = Wishes()
    resend: int = 0


@frozen
class Screening:
    """The host changes the tape; None takes it off."""

    tape: Tape | None


@frozen
class Step:
    """What happens at one moment of the evening."""

    at: float
    """Seconds since the evening began."""
    said: str
    """What is told of it; nothing for small talk."""
    beats: tuple[Beat | Screening, ...]

    @property
    def clock(self) -> str:
        """The time on the wall of that evening."""
        minutes = int(self.at // MINUTE)
        return f"{_SHOWTIME_HOUR + minutes // 60}:{minutes % 60:02d}"


def plan(rng: Random, ids: Random, channel: Viewer) -> tuple[Step, ...]:
    """Plan an evening of a channel; `ids` names what several events refer to."""
    scene = Scene(rng, ids, timestamp="")
    steps = [*_host(scene), *_gift_bomb_and_train(scene), *_raid(rng), *_support(rng), *_small_talk(scene)]
    return tuple(_placed(step, channel) for step in sorted(steps, key=lambda step: step.at))


def _placed(step: Step, channel: Viewer) -> Step:
    beats = (
        evolve(beat, wishes=evolve(beat.wishes, to_user=channel)) if isinstance(beat, Beat) else beat
        for beat in step.beats
    )
    return evolve(step, beats=tuple(beats))


def _host(scene: Scene) -> Iterator[Step]:
    first, second, third = scene.rng.sample(cast.TAPES, 3)
    title = scene.rng.choice(cast.TITLES)
    yield Step(0, f'the title is "{title}"', (Beat("channel.update", Wishes(title=title)),))
    stream, returned = scene.number(11), scene.number(11)
    yield _stream(10, "the channel goes live", "online", Wishes(stream_id=stream))
    yield _tape(90, first)
    yield _tape(20 * MINUTE, second)
    dropped = "the stream drops out, for five minutes"
    yield _stream(_DROPS_AT, dropped, "offline", Wishes(ended_stream_id=stream))
    resumed = "the stream is back: the broadcast is resumed"
    yield _stream(_RESUMES_AT, resumed, "online", Wishes(stream_id=returned))
    yield _tape(54 * MINUTE, third)
    yield _tape(68 * MINUTE, None)
    ended = Wishes(ended_stream_id=returned)
    yield _stream(_ENDS_AT, "good night: the channel goes off the air", "offline", ended)


def _stream(at: float, said: str, state: str, wishes: Wishes) -> Step:
    return Step(at, said, (Beat(f"stream.{state}", wishes),))


def _tape(at: float, tape: Tape | None) -> Step:
    said = f"tape {tape.id} is on: {tape.title}" if tape else "the last tape is over"
    return Step(at, said, (Screening(tape),))


def _gift_bomb_and_train(scene: Scene) -> Iterator[Step]:
    giver = cast.someone(scene.rng)
    total = scene.rng.choice((5, 10, 20))
    wishes = Wishes(from_user=giver, total=total)
    beats = [
        # Planned one by one: the gift is not to bring its recipients a second time.
        Beat(kind.name, Wishes(from_user=giver, total=total, recipients=0) if kind.name == GIFT else each)
        for kind, each in consequences(event_type(GIFT), wishes, scene.rng)
    ]
    scene.rng.shuffle(beats)
    yield Step(24 * MINUTE, f"{giver.name} gives {total} subscriptions at once", tuple(beats))
    train = scene.uuid()
    level = scene.rng.randint(2, 4)
    for at, what, reached in (
        (24 * MINUTE + 5, "begin", 1),
        (26 * MINUTE, "progress", level),
        (29 * MINUTE, "end", level),
    ):
        said = "" if what == "progress" else f"hype train, level {reached}: {what}"
        yield Step(at, said, (Beat(f"channel.hype_train.{what}", Wishes(train_id=train, level=reached)),))


def _raid(rng: Random) -> Iterator[Step]:
    raider = cast.viewer(rng.choice(cast.RAIDERS))
    viewers = rng.randint(12, 140)
    at = 51 * MINUTE
    raid = Beat("channel.raid", Wishes(from_user=raider, viewers=viewers))
    yield Step(at, f"{raider.name} raids with {viewers} viewers", (raid,))
    for newcomer in cast.crowd(rng, 40)[-rng.randint(4, 8) :]:
        at += rng.randint(4, 30)
        yield _follow(at, newcomer.name)


def _follow(at: float, name: str) -> Step:
    return Step(at, f"{name} follows", (Beat("channel.follow", Wishes(from_user=cast.viewer(name))),))


def _support(rng: Random) -> Iterator[Step]:
    people = iter(cast.crowd(rng, 60))
    for _ in range(rng.randint(12, 18)):
        yield _follow(_sometime(rng), next(people).name)
    for _ in range(rng.randint(6, 9)):
        yield _cheer(rng, rng.choice((100, 150, 300)), rng.choice(cast.CHEERS))
    for subject in rng.sample(cast.SUBJECTS, 3):
        yield _cheer(rng, rng.choice((200, 200, 250)), f"a ghost of {subject} please")
    yield Step(
        _sometime(rng), "somebody cheers 100 bits", (Beat("channel.cheer", Wishes(anonymous=True, bits=100)),)
    )
    for _ in range(rng.randint(2, 3)):
        yield _subscription(rng, next(people).name)
        yield _resubscription(rng)
    yield Step(_sometime(rng), "", (Beat("channel.subscription.end"),))
    yield Step(_sometime(rng), "", (Beat("channel.channel_points_custom_reward_redemption.add"),))


def _cheer(rng: Random, bits: int, message: str) -> Step:
    user = cast.someone(rng)
    # Twitch delivers at least once, so now and then one comes twice.
    resend = int(rng.random() < 1 / 4)
    twice = " (delivered twice)" if resend else ""
    beat = Beat("channel.cheer", Wishes(from_user=user, bits=bits, message=message), resend)
    return Step(_sometime(rng), f"{user.name} cheers {bits} bits: {message}{twice}", (beat,))


def _subscription(rng: Random, name: str) -> Step:
    tier = rng.choice(("1000", "1000", "2000", "3000"))
    beat = Beat("channel.subscribe", Wishes(from_user=cast.viewer(name), tier=tier))
    return Step(_sometime(rng), f"{name} subscribes at tier {tier}", (beat,))


def _resubscription(rng: Random) -> Step:
    user, months, text = cast.someone(rng), rng.randint(2, 40), rng.choice(cast.RESUBS)
    wishes = Wishes(from_user=user, months=months, message=text)
    said = f"{user.name} resubscribes, month {months}: {text}"
    return Step(_sometime(rng), said, (Beat("channel.subscription.message", wishes),))


def _small_talk(scene: Scene) -> Iterator[Step]:
    for line in (*cast.CHAT_LINES, *scene.rng.choices(cast.CHAT_LINES, k=20)):
        yield Step(_sometime(scene.rng), "", (Beat("channel.chat.message", Wishes(message=line)),))
    rude, spam = cast.viewer("BuyFollowersBot"), scene.uuid()
    for at, name, wishes in (
        (31 * MINUTE, "message", Wishes(from_user=rude, message="cheap viewers at my site", message_id=spam)),
        (31 * MINUTE + 20, "message_delete", Wishes(from_user=rude, message_id=spam)),
        (31 * MINUTE + 30, "clear_user_messages", Wishes(from_user=rude)),
    ):
        yield Step(at, "", (Beat(f"channel.chat.{name}", wishes),))


def _sometime(rng: Random) -> float:
    """Pick a moment on air, to the tenth of a second."""
    return round(rng.uniform(*rng.choice(_ON_AIR)), 1)
