"""Runs what a command of `showtime simulate` sends, and turns what came back into an exit code."""

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

import click
from attrs import Factory, define, frozen

from showtime_app.simulate import report, target
from showtime_app.simulate.deliveries import DeliveryContext
from showtime_app.simulate.messages import Request
from showtime_app.simulate.report import Progress, RequestOutcome, Tally
from showtime_app.simulate.sections import pick
from showtime_app.simulate.sender import Sender, Watcher, open_client
from showtime_app.simulate.target import NoTargetError, Target, TargetOptions

Work = Callable[[Sender], Awaitable[None]]
"""Sends something with a sender."""

_FEW = 12
"""So many outcomes are told one by one."""
_INTERRUPTED = 130
_SEEDS = 1_000_000


@define
class OutcomePrinter:
    """Tells of outcomes while they come: one by one if they are few, else how many."""

    expected: int | None
    """How many are to come, if that is known."""
    tally: Tally = Factory(Tally)
    _progress: Progress = Factory(lambda self: Progress(self.expected), takes_self=True)

    @property
    def prints_each(self) -> bool:
        """Whether every outcome gets a line."""
        return self.expected is not None and self.expected <= _FEW

    def __call__(self, outcome: RequestOutcome) -> None:
        """Tell of one, which is counted already."""
        if self.prints_each:
            click.echo(str(outcome))
        else:
            self._progress(self.tally)

    def conclude(self, seconds: float) -> None:
        """Sum up."""
        self._progress.clear()
        if self.tally.sent != 1 or not self.prints_each:
            click.echo(report.summary(self.tally, seconds, with_examples=not self.prints_each))


@define
class SilentPrinter(OutcomePrinter):
    """Tells of nothing before the end: somebody else tells the story."""

    def __call__(self, outcome: RequestOutcome) -> None:
        """Say nothing."""


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

    def show(self, request: Request) -> None:
        """Print a request in full, as a dry run does."""
        click.echo(report.shown(request, self.target.address))

    def run(self, work: Work, teller: OutcomePrinter) -> NoReturn:
        """Do the work and exit: 0 if all was answered as it should be, 1 if not.

        Ctrl-C ends with a summary of what was sent so far, and 130.
        """
        started = time.perf_counter()
        finished = self.send(work, teller.tally, teller)
        teller.conclude(time.perf_counter() - started)
        if teller.tally.is_hopeless:
            click.echo(f"given up: nobody answers at {self.target.address.url}", err=True)
        exit_with(finished=finished, right=teller.tally.all_right)

    def send(self, work: Work, tally: Tally, watch: Watcher) -> bool:
        """Do the work with a sender; tell whether it came to its end, or was interrupted."""
        try:
            asyncio.run(self._with_sender(work, tally, watch))
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            return False
        return True

    async def _with_sender(self, work: Work, tally: Tally, watch: Watcher) -> None:
        async with open_client(allow_remote=self.allow_remote) as client:
            await work(Sender(client, self.target.address.url, self.timeout, tally, watch))


def exit_with(*, finished: bool, right: bool) -> NoReturn:
    """Exit with the code that tells the truth."""
    raise SystemExit(int(not right) if finished else _INTERRUPTED)
