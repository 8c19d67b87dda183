"""`showtime simulate`: everything that Twitch may deliver, without Twitch."""

from collections.abc import Mapping, Sequence

import click
from attrs import evolve

from showtime_app.simulate import night as nights
from showtime_app.simulate import options, player
from showtime_app.simulate.catalogue import EVENT_TYPES, GIFT, EventType, event_type, names
from showtime_app.simulate.challenge import CallbackCheck, Check
from showtime_app.simulate.deliveries import ENABLED, DeliveryOptions, deliveries
from showtime_app.simulate.event_options import EventOptions
from showtime_app.simulate.night import NightStep, TapeChange
from showtime_app.simulate.options import Pacing
from showtime_app.simulate.player import HostClient, NightPlayer
from showtime_app.simulate.report import Tally
from showtime_app.simulate.runner import OutcomePrinter, RunSettings, SilentPrinter, exit_with
from showtime_app.simulate.sections import SectionedCommand, pick
from showtime_app.simulate.sender import Sender
from showtime_core.domain.viewers import Role, Viewer

_GIFT_ALIAS = "gift"
_EXPECTATIONS = """\b
Right answers: 2xx to what is in order; 400 to what is stale, from the
future, forged, unsigned or no JSON; 413 to what is too large.
\b
Exit code: 0 all was answered right, 1 something was not, or not at all,
2 the command makes no sense, 130 interrupted."""


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


_INTRODUCTION = """Send what Twitch would send, signed as Twitch signs it, and judge the answers.

The messages go to the local `showtime dev`, or to --url; to this machine only, unless
--allow-remote is given. What is not wished for is drawn by chance.

\b
  showtime simulate streamup
  showtime simulate cheer --bits 200 --message "a ghost of a baby seal please"
  showtime simulate gift-bomb --total 20 --concurrency 8
  showtime simulate follow --repeat 1000 --rate 50
  showtime simulate raid --viewers 80 --forged
  showtime simulate revocation stream.online --reason user_removed
  showtime simulate challenge
  showtime simulate night --speed 60

Each command has its own --help.
"""


@click.group(
    cls=EventGroup, help=_INTRODUCTION, epilog=_EXPECTATIONS, context_settings={"max_content_width": 110}
)
def simulate() -> None:
    """Send what Twitch would send, and judge the answers."""


def _send_event(kind: EventType, **given: object) -> None:
    event_options = pick(EventOptions, given)
    if isinstance(recipient := given.get("gift_user"), Viewer):
        event_options = evolve(event_options, from_user=recipient, gift=True)
    _send(kind, event_options, evolve(pick(DeliveryOptions, given), flaw=options.flaw_in(given)), given)


def _send(
    kind: EventType, event_options: EventOptions, delivery: DeliveryOptions, given: Mapping[str, object]
) -> None:
    setting = RunSettings.of(given)
    requests = deliveries(kind, event_options, delivery, setting.context)
    if setting.dry_run:
        for request in requests:
            setting.show(request)
        return
    pace = pick(Pacing, given)

    async def work(sender: Sender) -> None:
        await sender.deliver(requests, rate=pace.rate, at_once=pace.concurrency)

    setting.run(work, OutcomePrinter(_how_many(kind, event_options, delivery)))


def _how_many(kind: EventType, event_options: EventOptions, delivery: DeliveryOptions) -> int | None:
    deeds = delivery.repeat * (delivery.resend + 1)
    if kind.name != GIFT or delivery.status != ENABLED:
        return deeds
    recipients = event_options.total if event_options.recipients is None else event_options.recipients
    return (
        None
        if event_options.total is None or recipients is None
        else deeds * (1 + min(recipients, event_options.total))
    )


def _event_command(kind: EventType, name: str, **presets: object) -> click.Command:
    return SectionedCommand(
        name,
        params=options.event_options(kind.takes),
        callback=lambda **given: _send_event(kind, **{**given, **presets}),
        help=f"{kind.name}, version {kind.version}: {kind.about}.\n\nAlso called: {', '.join(kind.aliases)}.",
        epilog=_EXPECTATIONS,
        hidden=bool(presets),
    )


_TYPE = click.Argument(["kind"], metavar="[TYPE]", type=click.Choice(names()), default="stream.online")


def _revoke(kind: str, **given: object) -> None:
    _send_event(event_type(kind), **given)


def _examine(kind: str, **given: object) -> None:
    setting = RunSettings.of(given)
    examination = CallbackCheck.of(event_type(kind), setting.context)
    if setting.dry_run:
        for request in (examination.true, *examination.false):
            setting.show(request)
        return
    checks: list[Check] = []

    async def work(sender: Sender) -> None:
        checks.extend(await examination.run(sender))

    finished = setting.send(work, Tally(), lambda _: None)
    for check in checks:
        click.echo(str(check))
    exit_with(finished=finished, right=all(check.passed for check in checks))


def _play_night(**given: object) -> None:
    setting = RunSettings.of(given)
    channel = pick(EventOptions, given).to_user
    steps = nights.plan(setting.context.rng, setting.context.ids, channel)
    host = HostClient(setting.target.base, _token(setting, channel, given))
    speed = float(str(given["speed"]))
    click.echo(f"A night of {channel.name}, seed {setting.seed}, at {speed:g} times its speed.")
    click.echo(player.RESUME_NOTE)
    if host.token is None:
        click.echo("The tapes are left out: no token is known for this server (see --token).")
    if setting.dry_run:
        _show_night(setting, steps, host)
        return

    async def work(sender: Sender) -> None:
        await NightPlayer(setting.context, sender, host, speed, click.echo).play(steps)

    setting.run(work, SilentPrinter(None))


def _token(setting: RunSettings, channel: Viewer, given: Mapping[str, object]) -> str | None:
    if given["token"] is not None:
        return str(given["token"])
    # Loads the whole service, which nothing but a night has a use for.
    from showtime_app.composition import issue_local_token

    secret = setting.target.token_secret
    return secret and issue_local_token(secret, channel, Role.BROADCASTER)


def _show_night(setting: RunSettings, steps: Sequence[NightStep], host: HostClient) -> None:
    for step in steps:
        click.echo(f"\n# {step.clock}  {step.said}".rstrip())
        for request in player.requests(step, setting.context):
            setting.show(request)
        for happening in step.happenings:
            if isinstance(happening, TapeChange) and host.token is not None:
                method, path = player.request_line(happening)
                click.echo(f"{method} {host.base}{path}")


for _kind in EVENT_TYPES:
    simulate.add_command(_event_command(_kind, _kind.name))
simulate.add_command(_event_command(event_type(_GIFT_ALIAS), _GIFT_ALIAS, gift=True))
simulate.add_command(
    SectionedCommand(
        "revocation",
        params=[_TYPE, *options.revocation_options()],
        callback=_revoke,
        help="Twitch takes the subscription to TYPE away, for a reason.",
        epilog=_EXPECTATIONS,
    )
)
simulate.add_command(
    SectionedCommand(
        "challenge",
        params=[_TYPE, *options.challenge_options()],
        callback=_examine,
        help="Verify the callback as Twitch does when TYPE is subscribed to, and more strictly.",
        epilog="The answer must be 200 with the challenge and nothing else as its body, as text/plain, with "
        "its content length, in time; and a challenge that Twitch did not sign must be refused (400). "
        "Exit code: 0 if all is so, else 1.",
    )
)
simulate.add_command(
    SectionedCommand(
        "night",
        params=options.night_options(),
        callback=_play_night,
        short_help="A believable evening: tapes, cheers, a gift bomb, a raid, a drop-out, the resume.",
        help="A believable evening of 70 minutes: online, tapes, follows, cheers, a gift bomb, a raid, "
        "a drop-out of five minutes and the resume, offline.\n\n" + player.RESUME_NOTE + " Timestamps are "
        "always the real time; only the pauses follow --speed.",
        epilog=_EXPECTATIONS,
    )
)
