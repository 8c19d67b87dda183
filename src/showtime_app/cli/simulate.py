"""`showtime simulate`: everything that Twitch may deliver, without Twitch."""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import IO, Any

import click
from attrs import evolve

from showtime_app.simulate import night as nights
from showtime_app.simulate import options, player
from showtime_app.simulate.cast import read_data
from showtime_app.simulate.catalogue import EVENT_TYPES, GIFT, EventType, consequences, event_type, names
from showtime_app.simulate.challenge import CallbackCheck, Check
from showtime_app.simulate.deliveries import ENABLED, DeliveryOptions, deliveries
from showtime_app.simulate.event_options import EventOptions
from showtime_app.simulate.night import NightStep
from showtime_app.simulate.options import Pacing
from showtime_app.simulate.playback import play_recorded, steps_of
from showtime_app.simulate.player import Playback
from showtime_app.simulate.runner import OutcomePrinter, RunSettings, exit_with
from showtime_app.simulate.sections import SectionedCommand, pick
from showtime_app.simulate.sender import Sender
from showtime_core.domain.nights.file import NightFileError, read_night
from showtime_core.domain.viewers import Role, Viewer

_GIFT_ALIAS = "gift"
_HELP = read_data("help")


class EventGroup(click.Group):
    """A group that knows the aliases of the events, and lists events apart from the rest."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by its name or alias."""
        if cmd_name in names() and cmd_name != _GIFT_ALIAS:
            cmd_name = event_type(cmd_name).name
        return super().get_command(ctx, {"verify-subscription": "challenge"}.get(cmd_name, cmd_name))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        """List every name that an event goes by, and then the other commands."""
        return [*names(), *self._others()]

    def _others(self) -> list[str]:
        return [name for name in self.commands if name not in names()]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click passes it
        """Write the events with the names that they go by, and then the other commands."""
        with formatter.section("Events, by alias or by Twitch's name"):
            formatter.write_dl(
                [(", ".join(kind.aliases), f"{kind.name}: {kind.about}") for kind in EVENT_TYPES]
            )
        with formatter.section("More than events"):
            formatter.write_dl(
                [(name, self.commands[name].get_short_help_str(100)) for name in self._others()]
            )


@click.group(
    cls=EventGroup,
    help=_HELP["introduction"],
    epilog=_HELP["right_answers"],
    context_settings={"max_content_width": 110},
)
def simulate() -> None:
    """Send what Twitch would send, and judge the answers."""


def _send(kind: str, **given: object) -> None:
    """Send an event, or a revocation, as it is to be delivered."""
    event = pick(EventOptions, given)
    if isinstance(recipient := given.get("gift_user"), Viewer):
        event = evolve(event, from_user=recipient, gift=True)
    delivery = evolve(pick(DeliveryOptions, given), flaw=options.flaw_in(given))
    setting = RunSettings.of(given)
    requests = deliveries(event_type(kind), event, delivery, setting.context)
    if setting.dry_run:
        setting.show(requests)
        return
    pace = pick(Pacing, given)

    async def work(sender: Sender) -> None:
        await sender.deliver(requests, rate=pace.rate, at_once=pace.concurrency)

    setting.run(work, OutcomePrinter(_how_many(event_type(kind), event, delivery)))


def _how_many(kind: EventType, event: EventOptions, delivery: DeliveryOptions) -> int | None:
    """Say how many messages there will be; None: it is left to chance."""
    if kind.name == GIFT and event.total is None and event.recipients != 0:
        return None
    each = len(consequences(kind, event, Random(0))) if delivery.status == ENABLED else 1  # noqa: S311 - no secret
    return delivery.repeat * (delivery.resend + 1) * each


def _examine(kind: str, **given: object) -> None:
    setting = RunSettings.of(given)
    examination = CallbackCheck.of(event_type(kind), setting.context)
    if setting.dry_run:
        setting.show((examination.true, *examination.false))
        return
    checks: list[Check] = []

    async def work(sender: Sender) -> None:
        checks.extend(await examination.run(sender))

    finished = setting.send(work, OutcomePrinter())
    for check in checks:
        click.echo(str(check))
    exit_with(finished=finished, right=all(check.passed for check in checks))


def _play_night(speed: float, token: str | None, **given: object) -> None:
    setting = RunSettings.of(given)
    channel = pick(EventOptions, given).to_user
    steps = nights.plan(setting.context.rng, setting.context.ids, channel)
    token = token or _token(setting.target.token_secret, channel)
    click.echo(f"A night of {channel.name}, seed {setting.seed}, at {speed:g} times its speed.")
    click.echo(_HELP["resume"])
    if token is None:
        click.echo("The tapes are left out: no token is known for this server (see --token).")
    if setting.dry_run:
        _show_night(setting, steps, has_token=token is not None)
        return

    _play(setting, token, speed, lambda playback: player.play_night(playback, steps))


def _play(
    setting: RunSettings, token: str | None, speed: float, play: Callable[[Playback], Awaitable[None]]
) -> None:
    async def work(sender: Sender) -> None:
        await play(Playback(setting.context, sender, setting.target.base, token, speed, click.echo))

    setting.run(work, OutcomePrinter(is_silent=True))


def _play_file(file: IO[bytes], speed: float, token: str | None, *, same_ids: bool, **given: object) -> None:
    setting = RunSettings.of(given)
    try:
        night = read_night(file)
    except NightFileError as reason:
        raise click.ClickException(str(reason)) from reason
    steps, left_out = steps_of(night.records)
    token = token or _token(setting.target.token_secret, pick(EventOptions, given).to_user)
    count = f"{len(steps)} of {len(night.records)} entries"
    click.echo(f"Night {night.header.number}: {count}, at {speed:g} times its speed.")
    if left_out:
        click.echo(f"{left_out} entries are left out: showtime's own, and those whose bodies were pruned.")
    if token is None:
        click.echo("The tapes are left out: no token is known for this server (see --token).")
    if setting.dry_run:
        for step in steps:
            click.echo(f"{step.at}  {step.said}")
        return

    _play(setting, token, speed, lambda playback: play_recorded(playback, steps, keeps_ids=same_ids))


def _token(secret: str | None, channel: Viewer) -> str | None:
    if secret is None:
        return None
    # Loads the whole service, which nothing but a night has a use for.
    from showtime_app.composition import issue_local_token

    return issue_local_token(secret, channel, Role.BROADCASTER)


def _show_night(setting: RunSettings, steps: Sequence[NightStep], *, has_token: bool) -> None:
    for step in steps:
        click.echo(f"\n# {step.clock}  {step.said}".rstrip())
        setting.show(player.requests(step, setting.context))
        for call in player.tape_calls(step) if has_token else ():
            click.echo(f"{call.method} {setting.target.base}{call.path}")


def _add(
    name: str, params: Sequence[click.Parameter], callback: Callable[..., None], **texts: object
) -> None:
    settings: dict[str, Any] = {"epilog": _HELP["right_answers"], **texts}
    simulate.add_command(SectionedCommand(name, params=[*params], callback=callback, **settings))


def _add_event(kind: EventType, name: str, **presets: object) -> None:
    def callback(**given: object) -> None:
        _send(kind.name, **{**given, **presets})

    about = f"{kind.name}, version {kind.version}: {kind.about}.\n\nAlso called: {', '.join(kind.aliases)}."
    takes = [*kind.takes, *(["gift_user"] if "gift" in kind.takes else [])]
    _add(name, options.delivered(takes), callback, help=about, hidden=bool(presets))


_TYPE = click.Argument(["kind"], metavar="[TYPE]", type=click.Choice(names()), default="stream.online")
_ANYWHERE = (*options.COMMON, *options.TARGET)

for _kind in EVENT_TYPES:
    _add_event(_kind, _kind.name)
_add_event(event_type(_GIFT_ALIAS), _GIFT_ALIAS, gift=True)
_add("revocation", [_TYPE, *options.delivered((), status="reason")], _send, **_HELP["revocation"])
_add("challenge", [_TYPE, *options.parameters(*_ANYWHERE)], _examine, **_HELP["challenge"])
_FILE = click.Argument(["file"], type=click.File("rb"))
_add(
    "file",
    [_FILE, *options.parameters("to_user", "any_speed", "same_ids", *_ANYWHERE, "token")],
    _play_file,
    **_HELP["file"],
)
_add("night", options.parameters("to_user", "speed", *_ANYWHERE, "token"), _play_night, **_HELP["night"])
