"""What `showtime init` does, step by step, and how it tells."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from enum import IntEnum
from typing import Any, TypeVar

from attrs import define, frozen

from showtime_app.setup.consent import Say, ask
from showtime_app.setup.places import Home, Twitch
from showtime_core.errors import Refused
from showtime_core.health import TwitchHealth
from showtime_core.keeping import keep, look, rotate
from showtime_core.subscriptions import ENABLED, MISSING, Finding, Plan, Wanted, reconcile, wanted_of

T = TypeVar("T")

_PATIENCE_SECONDS = 60.0
"""How long to wait for a `serve` that is at the subscriptions itself."""


class Outcome(IntEnum):
    """How it ended: the exit code."""

    DONE = 0
    FAILED = 1
    PENDING = 3
    """Nothing was done, and something is to be done."""
    NO_CONSENT = 4


@frozen
class Wishes:
    """What the operator wants."""

    may_delete: bool = False
    is_dry: bool = False
    has_browser: bool = True
    asks_consent: bool = True
    ignores_broadcast: bool = False


@define
class SetUp:
    """Sets a channel up, and tells what it does."""

    twitch: Twitch
    home: Home | None
    wishes: Wishes
    say: Say

    async def create(self) -> Outcome:
        """Create what is missing, ask for what needs consent, and wait until all are enabled."""
        wanted = await self._wanted()
        plan = await self._look(wanted)
        if self.wishes.is_dry:
            return self._preview(plan)
        findings = await self._alone(lambda: self._keep(wanted))
        if any(each.lacks_consent for each in findings) and self.wishes.asks_consent:
            self.say(f"{self.twitch.login} is asked for: {', '.join(_scopes(wanted))}")
            await ask(self.twitch.consent, self.say, has_browser=self.wishes.has_browser)
            findings = await self._alone(lambda: self._keep(wanted))
        if self.wishes.may_delete:
            await self._alone(lambda: self._delete(plan.surplus))
        await self._keep_health(findings)
        return self._conclude(findings)

    async def delete_all(self) -> Outcome:
        """Delete all that calls our URL."""
        plan = await self._look(await self._wanted())
        ours = [*(found for _, found in plan.keep), *plan.delete, *plan.surplus]
        if self.wishes.is_dry:
            for each in ours:
                self.say(f"would delete {each.type}")
            return Outcome.PENDING if ours else Outcome.DONE
        await self._alone(lambda: self._delete(ours))
        self.say(f"{len(ours)} subscriptions were deleted: no event comes any more")
        return Outcome.DONE

    async def rotate_secret(self) -> Outcome:
        """Replace all that is there by the same under the first secret."""
        if len(self.twitch.subscriptions) < 2:  # noqa: PLR2004 - the new and the former
            raise Refused(
                "TWITCH_WEBHOOK_SECRET must hold the new secret and the former one, comma-separated: restart"
                " every `showtime serve` with both, then run this"
            )
        await self._require_quiet()
        wanted = await self._wanted()
        plan = await self._look(wanted)
        enabled = [(each, found) for each, found in plan.keep if found.status == ENABLED]
        if self.wishes.is_dry:
            for each, _ in reversed(enabled):
                self.say(f"would replace {each.type}")
            return Outcome.PENDING if enabled else Outcome.DONE
        await self._alone(lambda: self._rotate(enabled))
        return Outcome.DONE

    # --- steps -------------------------------------------------------------------------------------

    async def _wanted(self) -> Sequence[Wanted]:
        broadcaster_id = await self.twitch.channels.user_id(self.twitch.login)
        self.say(f"{self.twitch.login} is user {broadcaster_id}; events go to {self.twitch.our_url}")
        return wanted_of(broadcaster_id, with_chat=self.twitch.with_chat)

    async def _look(self, wanted: Sequence[Wanted]) -> Plan:
        existing = await self.twitch.subscriptions[0].existing()
        plan = reconcile(wanted, existing, self.twitch.our_url)
        for each in look(plan):
            self.say(f"  {each.type:<28} {each.status}{' (optional)' if each.is_optional else ''}")
        for one in plan.surplus:
            self.say(f"  {one.type:<28} {one.status} (version {one.version}, not wanted)")
        if others := sum(1 for one in existing if one.callback != self.twitch.our_url):
            self.say(f"{others} others of this client id go elsewhere, and are left alone")
        return plan

    async def _keep(self, wanted: Sequence[Wanted]) -> Sequence[Finding]:
        return await keep(
            wanted,
            self.twitch.subscriptions[0],
            self.twitch.our_url,
            asyncio.sleep,
            may_delete=self.wishes.may_delete,
        )

    async def _delete(self, subscriptions: Sequence[Any]) -> None:
        for one in subscriptions:
            await self.twitch.subscriptions[0].delete(one.id)
            self.say(f"deleted {one.type} ({one.status})")

    async def _rotate(self, enabled: Sequence[Any]) -> None:
        first, former, *_ = self.twitch.subscriptions
        longest = 0.0
        async for gap in rotate(enabled, first, former, asyncio.sleep, time.monotonic):
            longest = max(longest, gap.seconds)
            self.say(f"  {gap.type:<28} replaced; no events for {gap.seconds:.1f} s")
        self.say(
            f"all are under the first secret; the longest gap was {longest:.1f} s. Twitch may repeat messages"
            " under the former one for some minutes: take it out of TWITCH_WEBHOOK_SECRET after that"
        )

    async def _require_quiet(self) -> None:
        """Refuse to open gaps in a night on the air."""
        if self.home is None:
            raise Refused(
                "no database is named: set PGHOST or PGDATABASE, so that a live broadcast is noticed"
            )
        if self.wishes.ignores_broadcast:
            return
        state, _ = await self.home.read()
        broadcaster_id = await self.twitch.channels.user_id(self.twitch.login)
        listing = await self.twitch.channels.listing(broadcaster_id)
        if state.timeline.live or listing.stream:
            raise Refused(
                "a broadcast is live, and each gap would lose events: wait for its end, or say --now"
            )

    async def _alone(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do work with no `serve` at the same; where no database is named, nobody can tell."""
        if self.home is None:
            return await work()
        return await self.home.alone(work, _PATIENCE_SECONDS)

    async def _keep_health(self, findings: Sequence[Finding]) -> None:
        """Let every instance's /status know at once."""
        if self.home:
            _, health = await self.home.read()
            doubt = health.twitch.doubt if health.twitch else None
            await self.home.keep_health(TwitchHealth(health.now, tuple(findings), doubt=doubt))

    # --- what is told ------------------------------------------------------------------------------

    def _preview(self, plan: Plan) -> Outcome:
        for each in plan.create:
            self.say(f"would create {each.type}, version {each.version}")
        doomed = [*plan.delete, *plan.surplus]
        for one in doomed:
            verb = "would delete" if self.wishes.may_delete else "would delete, with --force,"
            self.say(f"{verb} {one.type} ({one.status})")
        is_done = not plan.create and not (doomed and self.wishes.may_delete)
        return Outcome.DONE if is_done else Outcome.PENDING

    def _conclude(self, findings: Sequence[Finding]) -> Outcome:
        unwell = [each for each in findings if not each.is_well]
        for each in unwell:
            kind = "optional, " if each.is_optional else ""
            self.say(f"  {each.type:<28} {kind}{each.status}{_remedy(each)}")
        required = [each for each in unwell if not each.is_optional]
        if not required:
            self.say(f"all {len(findings) - len(unwell)} subscriptions are enabled")
            return Outcome.DONE
        self.say(f"{len(required)} subscriptions that the show needs are not enabled")
        if any(each.lacks_consent for each in required):
            return Outcome.NO_CONSENT
        return Outcome.FAILED


def _scopes(wanted: Sequence[Wanted]) -> list[str]:
    return sorted({scope for each in wanted for scope in each.scopes})


def _remedy(finding: Finding) -> str:
    if finding.problem:
        return f": {finding.problem}"
    if finding.status == MISSING:
        return ""
    return (
        ": does the server answer at the callback URL, with this secret? `showtime init --force` tries again"
    )
