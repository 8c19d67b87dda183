"""What `showtime init` does, step by step, and how it tells."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from enum import IntEnum
from typing import Any, TypeVar

from attrs import define, frozen

from showtime_app.setup.browser import Say
from showtime_app.setup.consent import ask
from showtime_app.setup.ports import ChannelDatabase, TwitchAccess
from showtime_core.domain.health import TwitchHealth
from showtime_core.domain.subscriptions import (
    MISSING,
    EventSubSubscription,
    SubscriptionFinding,
    SubscriptionPlan,
    WantedSubscription,
    reconcile,
    required_scopes,
    wanted_subscriptions,
)
from showtime_core.errors import Refused
from showtime_core.use_cases.keep_subscriptions import (
    ensure_subscriptions,
    inspect_subscriptions,
    replace_subscriptions,
)

T = TypeVar("T")

_MAX_WAIT_SECONDS = 60.0
"""How long to wait for a `serve` that is at the subscriptions itself."""


class InitResult(IntEnum):
    """How `showtime init` ended: its exit code."""

    DONE = 0
    FAILED = 1
    PENDING = 3
    """Nothing was done, and something is to be done."""
    NO_CONSENT = 4


@frozen
class InitOptions:
    """What the operator asked `showtime init` for, by the names of its options."""

    force: bool = False
    delete_all: bool = False
    rotate_secret: bool = False
    now: bool = False
    dry_run: bool = False
    no_browser: bool = False
    non_interactive: bool = False


@define
class ChannelSetup:
    """Sets a channel up at Twitch, and reports each step."""

    twitch: TwitchAccess
    database: ChannelDatabase | None
    options: InitOptions
    say: Say

    async def run(self) -> InitResult:
        """Do what the options ask for.

        Raises NotAllowed without the broadcaster's consent; Refused, Unavailable.
        """
        if self.options.delete_all:
            return await self._delete_all()
        return await (self._rotate_secret() if self.options.rotate_secret else self._create())

    async def _create(self) -> InitResult:
        """Create what is missing, ask for what needs consent, and wait until all are enabled."""
        wanted = await self._wanted()
        plan = await self._look(wanted)
        if self.options.dry_run:
            return self._would(self._due(plan))
        findings = await self._exclusively(lambda: self._keep(wanted))
        if any(each.lacks_consent for each in findings) and not self.options.non_interactive:
            self.say(f"{self.twitch.login} is asked for: {', '.join(required_scopes(wanted))}")
            await ask(self.twitch.consent, self.say, has_browser=not self.options.no_browser)
            findings = await self._exclusively(lambda: self._keep(wanted))
        if self.options.force:
            await self._exclusively(lambda: self._delete(plan.surplus))
        await self._save_health(findings)
        return self._conclude(findings)

    async def _delete_all(self) -> InitResult:
        """Delete all that calls our URL."""
        wanted = await self._wanted()
        if self.options.dry_run:
            return self._would([f"delete {each.type}" for each in _ours(await self._look(wanted))])
        deleted = await self._exclusively(lambda: self._delete_ours(wanted))
        await self._save_health(inspect_subscriptions(reconcile(wanted, (), self.twitch.our_url)))
        if deleted:
            self.say(f"{deleted} subscriptions were deleted: no event comes any more")
        else:
            self.say(f"nothing was deleted: no subscription calls {self.twitch.our_url}")
        return InitResult.DONE

    async def _rotate_secret(self) -> InitResult:
        """Replace all that is there by the same under the first secret, and create what is missing."""
        if len(self.twitch.subscriptions) < 2:  # noqa: PLR2004 - the new and the former
            raise Refused(
                "TWITCH_WEBHOOK_SECRET must hold the new secret and the former one, comma-separated: restart"
                " every `showtime serve` with both, then run this"
            )
        await self._require_quiet()
        wanted = await self._wanted()
        if self.options.dry_run:
            plan = await self._look(wanted)
            return self._would([f"replace {each.type}" for each, _ in reversed(plan.keep)])
        findings = await self._exclusively(lambda: self._rotate(wanted))
        await self._save_health(findings)
        return self._conclude(findings)

    # --- steps -------------------------------------------------------------------------------------

    async def _wanted(self) -> Sequence[WantedSubscription]:
        broadcaster_id = await self.twitch.channels.user_id(self.twitch.login)
        self.say(f"{self.twitch.login} is user {broadcaster_id}; events go to {self.twitch.our_url}")
        return wanted_subscriptions(broadcaster_id, with_chat=self.twitch.with_chat)

    async def _look(self, wanted: Sequence[WantedSubscription]) -> SubscriptionPlan:
        existing = await self.twitch.subscriptions[0].list_all()
        plan = reconcile(wanted, existing, self.twitch.our_url)
        for each in inspect_subscriptions(plan):
            self.say(f"  {each.type:<32} {each.status}{' (optional)' if each.is_optional else ''}")
        for one in plan.surplus:
            self.say(f"  {one.type:<32} {one.status} (version {one.version}, not wanted)")
        if others := sum(1 for one in existing if one.callback != self.twitch.our_url):
            self.say(f"{others} others of this client id go elsewhere, and are left alone")
        return plan

    async def _keep(self, wanted: Sequence[WantedSubscription]) -> Sequence[SubscriptionFinding]:
        return await ensure_subscriptions(
            wanted,
            self.twitch.subscriptions[0],
            self.twitch.our_url,
            asyncio.sleep,
            may_delete=self.options.force,
        )

    async def _delete_ours(self, wanted: Sequence[WantedSubscription]) -> int:
        ours = _ours(await self._look(wanted))
        await self._delete(ours)
        return len(ours)

    async def _delete(self, subscriptions: Sequence[EventSubSubscription]) -> None:
        for one in subscriptions:
            await self.twitch.subscriptions[0].delete(one.id)
            self.say(f"deleted {one.type} ({one.status})")

    async def _rotate(self, wanted: Sequence[WantedSubscription]) -> Sequence[SubscriptionFinding]:
        plan = await self._look(wanted)
        first, former, *_ = self.twitch.subscriptions
        longest = 0.0
        async for gap in replace_subscriptions(plan.keep, first, former, asyncio.sleep, time.monotonic):
            longest = max(longest, gap.seconds)
            self.say(f"  {gap.type:<32} replaced; no events for {gap.seconds:.1f} s")
        self.say(
            f"{len(plan.keep)} are under the first secret now; the longest gap was {longest:.1f} s. Twitch"
            " may repeat messages under the former one for some minutes: take it out of"
            " TWITCH_WEBHOOK_SECRET after that"
        )
        if plan.surplus:
            self.say(f"{len(plan.surplus)} that are not wanted keep their secret: --force deletes such")
        return await self._keep(wanted)

    async def _require_quiet(self) -> None:
        """Refuse to open gaps in a night on the air."""
        if self.database is None:
            raise Refused(
                "no database is named: set PGHOST or PGDATABASE, so that a live broadcast is noticed"
            )
        if self.options.now:
            return
        state, _ = await self.database.read()
        broadcaster_id = await self.twitch.channels.user_id(self.twitch.login)
        listing = await self.twitch.channels.stream_listing(broadcaster_id)
        if state.timeline.live or listing.stream:
            raise Refused(
                "a broadcast is live, and each gap would lose events: wait for its end, or say --now"
            )

    async def _exclusively(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do work with no `serve` at the same; where no database is named, nobody can tell."""
        if self.database is None:
            return await work()
        return await self.database.exclusive(work, _MAX_WAIT_SECONDS)

    async def _save_health(self, findings: Sequence[SubscriptionFinding]) -> None:
        """Let every instance's /status know at once."""
        if self.database:
            _, health = await self.database.read()
            missing = health.twitch.missing if health.twitch else None
            await self.database.save_health(TwitchHealth(health.now, tuple(findings), missing=missing))

    # --- what is told ------------------------------------------------------------------------------

    def _due(self, plan: SubscriptionPlan) -> Sequence[str]:
        """List what is to be done; tells what would be with --force."""
        created = [f"create {each.type}, version {each.version}" for each in plan.create]
        deleted = [f"{one.type} ({one.status})" for one in (*plan.delete, *plan.surplus)]
        if self.options.force:
            return [*created, *(f"delete {each}" for each in deleted)]
        for each in deleted:
            self.say(f"would delete, with --force, {each}")
        return created

    def _would(self, deeds: Sequence[str]) -> InitResult:
        for deed in deeds:
            self.say(f"would {deed}")
        if not deeds:
            self.say("nothing is to be done")
        return InitResult.PENDING if deeds else InitResult.DONE

    def _conclude(self, findings: Sequence[SubscriptionFinding]) -> InitResult:
        unwell = [each for each in findings if not each.is_healthy]
        for each in unwell:
            kind = "optional, " if each.is_optional else ""
            self.say(f"  {each.type:<32} {kind}{each.status}{_remedy(each)}")
        required = [each for each in unwell if not each.is_optional]
        if not required:
            self.say(f"all {len(findings) - len(unwell)} subscriptions are enabled")
            return InitResult.DONE
        self.say(f"{len(required)} subscriptions that the show needs are not enabled")
        if any(each.lacks_consent for each in required):
            return InitResult.NO_CONSENT
        return InitResult.FAILED


def _ours(plan: SubscriptionPlan) -> Sequence[EventSubSubscription]:
    """List all that call our URL."""
    return [*(found for _, found in plan.keep), *plan.delete, *plan.surplus]


def _remedy(finding: SubscriptionFinding) -> str:
    if finding.problem:
        return f": {finding.problem}"
    if finding.status == MISSING:
        return ""
    return (
        ": does the server answer at the callback URL, with this secret? `showtime init --force` tries again"
    )
