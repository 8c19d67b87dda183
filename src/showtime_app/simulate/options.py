"""The options of `showtime simulate`, in the sections that its help shows them in."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import click

from showtime_app.dev_file import DEFAULT_DATA_DIR
from showtime_app.simulate import cast
from showtime_app.simulate.deliveries import ENABLED
from showtime_app.simulate.messages import Flaw
from showtime_app.simulate.sections import MakeOption, option, to_header, to_tier, to_timestamp, to_viewer

EVENT = "The event"
DELIVERY = "How it is delivered"
FLAWS = "Wrong on purpose (a refusal is then the right answer)"
ENVELOPE = "The envelope"
TARGET = "Where it goes"

_FLAW_HELP = {
    Flaw.STALE: "Sent 11 minutes ago, to be refused (400).",
    Flaw.FUTURE: "Sent in 11 minutes, to be refused (400).",
    Flaw.FORGED: "Signed with another secret, to be refused (400).",
    Flaw.UNSIGNED: "Not signed, to be refused (400).",
    Flaw.MALFORMED: "Signed, but no JSON, to be refused (400).",
    Flaw.OVERSIZED: "Over a mebibyte, to be refused (413).",
}

_COUNT = click.IntRange(min=0)
_POSITIVE = click.IntRange(min=1)


@attrs.frozen
class Pacing:
    """How fast messages go out."""

    rate: float | None = None
    """Messages each second; None is as fast as it goes."""
    concurrency: int = 1


def _event_option(*names: str, **settings: object) -> MakeOption:
    return option(EVENT, *names, **settings)


_CHANNEL = _event_option(
    *("--to-user", "--to-user-name", "-t"),
    callback=to_viewer,
    metavar="WHO",
    envvar="TWITCH_CHANNEL_NAME",
    default=cast.CHANNEL,
    help="The channel that it happens to: NAME, NAME:ID or ID; else TWITCH_CHANNEL_NAME.",
)

EVENT_OPTIONS: Mapping[str, MakeOption] = {
    "from_user": _event_option(
        *("--from-user", "--from-user-name", "-f"),
        callback=to_viewer,
        metavar="WHO",
        help="Who does it, or what it is done to: NAME, NAME:ID or ID.",
    ),
    "anonymous": _event_option("--anonymous", "-a", is_flag=True, help="By nobody that is named."),
    "bits": _event_option("--bits", "-C", "--cost", "bits", type=_COUNT, help="How many bits."),
    "bits_type": _event_option(
        *("--bits-type",), default="power_up", help="power_up, custom_power_up, cheer or as it is sent."
    ),
    "source": _event_option(
        *("--source",), callback=to_viewer, metavar="WHO", help="Shared chat: whose room it is written in."
    ),
    "notice": _event_option(
        *("--notice",), default="announcement", help="watch_streak, resub, modiversary or as it is sent."
    ),
    "seconds": _event_option("--seconds", type=_POSITIVE, help="How long the ads take."),
    "started_at": _event_option(
        *("--started-at",), callback=to_timestamp, help="When the train began, the same in all of it."
    ),
    "message": _event_option("--message", "-m", "--input", "message", help="What the viewer writes."),
    "tier": _event_option("--tier", default="1000", callback=to_tier, help="1, 2, 3 or as it is sent."),
    "gift": _event_option("--gift", is_flag=True, help="Received as a gift."),
    "months": _event_option("--months", "-C", "--cost", "months", type=_POSITIVE, help="Months in all."),
    "streak": _event_option(
        "--streak", type=_POSITIVE, help="Months in a row, where the viewer shares them."
    ),
    "total": _event_option("--total", "-C", "--cost", "total", type=_POSITIVE, help="How many, in all."),
    "cumulative_total": _event_option(
        "--cumulative-total", type=_POSITIVE, help="Gifts of that giver so far."
    ),
    "recipients": _event_option(
        *("--recipients",),
        type=_COUNT,
        help="How many channel.subscribe follow; all, if not given. 0 is what Twitch's own tool sends.",
    ),
    "viewers": _event_option("--viewers", type=_COUNT, help="How many come along."),
    "title": _event_option("--title", "-d", "--description", "title", help="Title of the stream."),
    "language": _event_option("--language", default="en", help="Language of the stream."),
    "category_id": _event_option(
        "--category-id", "-G", "--game-id", "-i", "--item-id", "category_id", help="Category id."
    ),
    "category_name": _event_option(
        "--category", "-n", "--item-name", "category_name", default="Retro", help="Category."
    ),
    "labels": _event_option(
        "--label", "labels", multiple=True, help="Classification label; may be given often."
    ),
    "stream_id": _event_option(
        "--stream-id", "-i", "--item-id", "stream_id", help="Id of the stream; new, if not given."
    ),
    "ended_stream_id": _event_option(
        *("--stream-id", "-i", "--item-id", "ended_stream_id"),
        help="Id of the stream that ended; if not given, it is whichever is on the air.",
    ),
    "stream_type": _event_option(
        "--stream-type", default="live", help="live, rerun, playlist, watch_party ..."
    ),
    "reward_id": _event_option("--reward-id", "-i", "--item-id", "reward_id", help="Id of the reward."),
    "reward_title": _event_option(
        "--reward-title", "-n", "--item-name", "reward_title", help="Name of the reward."
    ),
    "reward_prompt": _event_option(
        "--reward-prompt", "-d", "--description", "reward_prompt", help="Its prompt."
    ),
    "cost": _event_option("--cost", "-C", type=_COUNT, help="Channel points that it costs."),
    "redemption_id": _event_option("--redemption-id", help="Id of the redemption; new, if not given."),
    "event_status": _event_option(
        *("--status", "-S", "--event-status", "event_status"),
        default="unfulfilled",
        help="unfulfilled, fulfilled, canceled or unknown.",
    ),
    "train_id": _event_option("--train-id", help="Id of the train: one for begin, progress and end."),
    "level": _event_option("--level", type=_POSITIVE, help="Level of the train."),
    "message_id": _event_option("--message-id", help="Id of the chat message."),
    "message_type": _event_option(
        "--message-type", default="text", help="Twitch's name of the kind of message."
    ),
    "color": _event_option("--color", help="Color of the chatter's name, like #FF7F50; may be empty."),
}
"""The option for each wish, by the wish's name."""

_GIFT_USER = _event_option(
    "--gift-user", "-g", callback=to_viewer, metavar="WHO", help="The recipient of a gift; implies --gift."
)

_COMMON = (
    option(
        *(DELIVERY, "--timeout"),
        type=click.FloatRange(min=0, min_open=True),
        default=10.0,
        help="Seconds that an answer may take.",
    ),
    option(DELIVERY, "--seed", type=int, help="Repeats all but times and ids; by chance, if not given."),
    option(DELIVERY, "--dry-run", is_flag=True, help="Print what would be sent, and send nothing."),
)

_PACE = (
    option(
        DELIVERY,
        "--repeat",
        "-c",
        "--count",
        "repeat",
        type=_POSITIVE,
        default=1,
        help="How often it happens.",
    ),
    option(
        *(DELIVERY, "--rate"),
        type=click.FloatRange(min=0, min_open=True),
        help="Messages each second; as many as go, if not given.",
    ),
    option(
        *(DELIVERY, "--concurrency"),
        type=click.IntRange(1, 1000),
        default=1,
        help="Messages under way at once; then resends race their originals.",
    ),
    option(
        *(DELIVERY, "--resend"),
        type=_COUNT,
        default=0,
        help="Deliver each message that many times more: same id, higher retry counter.",
    ),
    option(DELIVERY, "--retry", type=_COUNT, default=0, help="Retry counter of the first delivery."),
)
_FLAWS = tuple(option(FLAWS, f"--{flaw}", is_flag=True, help=text) for flaw, text in _FLAW_HELP.items())
_ENVELOPE = (
    option(ENVELOPE, "--event-id", "-I", callback=to_header, help="Message id; new, if not given."),
    option(ENVELOPE, "--timestamp", callback=to_timestamp, help="Message timestamp; now, if not given."),
    option(ENVELOPE, "--subscription-id", "-u", "subscription_id", help="Id of the subscription."),
    option(ENVELOPE, "--version", "-v", "version", callback=to_header, help="Version of the subscription."),
)
_STATUS = option(
    *(ENVELOPE, "--subscription-status", "-r", "status"),
    default=ENABLED,
    help="Any but enabled makes it a revocation for that reason.",
)
_REASON = option(
    *(ENVELOPE, "--reason", "-r", "status"),
    default="authorization_revoked",
    help="As Twitch names it: user_removed, notification_failures_exceeded, version_removed, ...",
)
_TOKEN = option(
    *(TARGET, "--token"),
    help="Broadcaster's bearer token, for the tapes; made with the secret of `showtime dev`, if not given.",
)
_SPEED = option(
    *(DELIVERY, "--speed"),
    type=click.FloatRange(min=1),
    default=60.0,
    help="How much faster than life: at 60 a minute is a second, and the night takes 70.",
)

_ADDRESS = (
    option(
        *(TARGET, "--url", "-F", "--forward-address", "url"),
        help="The callback; that of the local `showtime dev`, if not given.",
    ),
    option(
        *(TARGET, "--secret", "-s"),
        help="Signs; else the first of TWITCH_WEBHOOK_SECRET, else that of `showtime dev`.",
    ),
    option(
        *(TARGET, "--data-dir"),
        type=click.Path(path_type=Path),
        default=DEFAULT_DATA_DIR,
        help="Data folder of `showtime dev`.",
    ),
    option(TARGET, "--no-config", "-D", is_flag=True, help="Take address and secret from the options alone."),
    option(TARGET, "--allow-remote", is_flag=True, help="Send to another machine than this."),
    option(TARGET, "--transport", "-T", type=click.Choice(["webhook"]), default="webhook", hidden=True),
)


def _made(options: Iterable[MakeOption]) -> list[click.Parameter]:
    """Make the options for a command."""
    return [make() for make in options]


def event_options(takes: Iterable[str]) -> list[click.Parameter]:
    """Make the options of an event that has a place for these wishes."""
    options = [EVENT_OPTIONS[event_option] for event_option in takes]
    extra = [_GIFT_USER] if "gift" in takes else []
    return _made([*options, *extra, _CHANNEL, *_PACE, *_COMMON, *_FLAWS, *_ENVELOPE, _STATUS, *_ADDRESS])


def revocation_options() -> list[click.Parameter]:
    """Make the options of a revocation."""
    return _made([_CHANNEL, *_PACE, *_COMMON, *_FLAWS, _REASON, *_ENVELOPE, *_ADDRESS])


def challenge_options() -> list[click.Parameter]:
    """Make the options of the challenge check."""
    return _made([*_COMMON, *_ADDRESS])


def night_options() -> list[click.Parameter]:
    """Make the options of a night."""
    return _made([_CHANNEL, _SPEED, *_COMMON, *_ADDRESS, _TOKEN])


def flaw_in(given: Mapping[str, object]) -> Flaw | None:
    """Find the flaw among the given options; raises UsageError for two of them."""
    flaws = [flaw for flaw in Flaw if given.get(flaw.value)]
    if len(flaws) > 1:
        raise click.UsageError(f"one thing wrong at a time: {' and '.join(f'--{flaw}' for flaw in flaws)}")
    return flaws[0] if flaws else None
