"""Runs what a command of `showtime simulate` sends, and turns what came back into an exit code."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NoReturn

import click
from attrs import Factory, define, frozen

from showtime_app.simulate import report, target
from showtime_app.simulate.deliveries import DeliveryContext
from showtime_app.simulate.messages import Request
from showtime_app.simulate.report import RequestOutcome, Tally
from showtime_app.simulate.sections import pick
from showtime_app.simulate.sender import Sender, open_client
from showtime_app.simulate.target import NoTargetError, Target, TargetOptions

Work = Callable[[Sender], Awaitable[None]]
"""Sends something with a sender."""

_FEW = 12
"""So many outcomes are told one by one."""
_INTERRUPTED = 130
_SEEDS = 1_000_000
_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 5.0


@define
class OutcomePrinter:
    """Tells of outcomes while they come: one by one if they are few, else now and then how many."""

    expected: int | None = None
    """How many are to come, if that is known."""
    is_silent: bool = False
    """Whether nothing is told before the end: somebody else tells the story."""
    tally: Tally = Factory(Tally)
    _shown_at: float = Factory(time.monotonic)

    @property
    def prints_each(self) -> bool:
        """Whether every outcome gets a line."""
        return self.expected is not None and self.expected <= _FEW

    def __call__(self, outcome: RequestOutcome) -> None:
        """Tell of one, which is counted already."""
        if self.prints_each:
            click.echo(str(outcome))
        elif not self.is_silent:
            self._show_progress(in_terminal=sys.stderr.isatty())

    def _show_progress(self, *, in_terminal: bool) -> None:
        """Show how far it is: one line that is redrawn in a terminal, a few lines in a pipe."""
        now = time.monotonic()
        if now - self._shown_at < (_REDRAW_SECONDS if in_terminal else _LINE_SECONDS):
            return
        self._shown_at = now
        of_all = "" if self.expected is None else f" of {self.expected}"
        wrong = self.tally.sent - self.tally.right
        line = f"{self.tally.sent}{of_all} sent, {wrong} of them not answered as they should be"
        click.echo(f"\r{line}\x1b[K" if in_terminal else line, nl=not in_terminal, err=True)

    def conclude(self, seconds: float) -> None:
        """Sum up."""
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        if self.tally.sent != 1 or not self.prints_each:
            click.echo(report.summary(self.tally, seconds, with_examples=not self.prints_each))


@frozen
class RunSettings:
    """What all commands share: where to send, and with which chance and patience."""

    target: Target
    context: DeliveryContext
    seed: int
    timeout: float
    allow_remote: bool
    dry_run: bool

    @classmethod
    def of(cls, given: Mapping[str, object]) -> "RunSettings":
        """Read the options; raises UsageError where no target is known or allowed."""
        options = pick(TargetOptions, given)
        dry_run = bool(given["dry_run"])
        try:
            found = target.find(options, os.environ, target.PLACEHOLDER if dry_run else None)
            if not (dry_run or options.allow_remote):
                target.require_loopback(found.address.url)
        except NoTargetError as reason:
            raise click.UsageError(str(reason)) from reason
        if found.address == target.PLACEHOLDER:
            click.echo("no server is known: address and secret are placeholders", err=True)
        seed = given["seed"] if isinstance(given["seed"], int) else secrets.randbelow(_SEEDS)
        context = DeliveryContext.seeded(found.address, seed, time.time_ns)
        timeout = float(str(given["timeout"]))
        return cls(found, context, seed, timeout, options.allow_remote, dry_run)

    def show(self, requests: Iterable[Request]) -> None:
        """Print requests in full, as a dry run does."""
        for request in requests:
            click.echo(report.shown(request, self.target.address))

    def run(self, work: Work, printer: OutcomePrinter) -> NoReturn:
        """Do the work and exit: 0 if all was answered as it should be, 1 if not.

        Ctrl-C ends with a summary of what was sent so far, and 130. What the server has parked, whose answer
        is the same, is told as well.
        """

        async def watched(sender: Sender) -> None:
            before = await sender.count_parked(self.target.base)
            await work(sender)
            after = None if before is None else await sender.count_parked(self.target.base)
            if before is not None and after is not None and after > before:
                parked.append(after - before)

        parked: list[int] = []
        started = time.perf_counter()
        finished = self.send(watched, printer)
        printer.conclude(time.perf_counter() - started)
        for number in parked:
            click.echo(f"parked by the server: {number}; see why with `showtime parked list`")
        if printer.tally.is_hopeless:
            click.echo(f"given up: nobody answers at {self.target.address.url}", err=True)
        exit_with(finished=finished, right=printer.tally.all_right)

    def send(self, work: Work, printer: OutcomePrinter) -> bool:
        """Do the work with a sender; tell whether it came to its end, or was interrupted."""

        async def with_sender() -> None:
            url = self.target.address.url
            async with open_client(url, allow_remote=self.allow_remote) as client:
                await work(Sender(client, url, self.timeout, printer.tally, printer))

        try:
            asyncio.run(with_sender())
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            return False
        return True


def exit_with(*, finished: bool, right: bool) -> NoReturn:
    """Exit with the code that tells the truth."""
    raise SystemExit(int(not right) if finished else _INTERRUPTED)
