"""What the core asks of the outside world: small protocols, one noun each."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from showtime_core.domain.broadcasts.broadcast import Broadcast
from showtime_core.domain.broadcasts.history import GhostPage, LastTape, ListedBroadcast, PastBroadcast
from showtime_core.domain.broadcasts.stream_check import StreamListing
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.ghost_approval import AwaitingGhost
from showtime_core.domain.health import Health, TwitchHealth
from showtime_core.domain.journal import AdmittedBatch, Entry, JournalChanges, ParkedEntry
from showtime_core.domain.lights import EffectTry
from showtime_core.domain.night_feed.rows import NightEntry, NightQuery
from showtime_core.domain.night_feed.totals import NightTally
from showtime_core.domain.nights.recorded import RecordedNight
from showtime_core.domain.outbox import Job, ParkedEffect, Settlement
from showtime_core.domain.points_and_ghosts.effects import Credit
from showtime_core.domain.points_and_ghosts.ghosts import GhostProgress
from showtime_core.domain.points_and_ghosts.ledger import Balance, Statement, Transaction, TransactionPage
from showtime_core.domain.preflight.links import LinkResult
from showtime_core.domain.preflight.runs import Preflight, PreflightRun
from showtime_core.domain.reactions import Policy
from showtime_core.domain.sessions import CodePurpose, Moderator, OneTimeCode, Session
from showtime_core.domain.show.queue import Show, ShowView
from showtime_core.domain.show.show_secrets import ShowSecret
from showtime_core.domain.subscriptions import DeviceCode, EventSubSubscription, WantedSubscription
from showtime_core.domain.viewers import Identity, Viewer

Answer = TypeVar("Answer")
ChangeShow = Callable[[Show], tuple[Show, Answer]]
"""Returns the changed queue, and what is to be told of it; a pure function."""
ChangeRun = Callable[[PreflightRun, datetime], PreflightRun]
"""Returns the changed run, by the clock of whoever keeps it; a pure function."""
PlanChanges = Callable[[AdmittedBatch, Policy], JournalChanges]
"""Works out all that follows from the new entries; a pure function, since it may be called again."""


class UnitOfWork(Protocol):
    """The channel's journal and state, changed together or not at all.

    How many ghosts there are, and which were shown a moment ago, is read in the same step, by the clock of
    the database. So concurrent units never exceed a limit together.
    """

    async def record(self, entries: Sequence[Entry], policy: Policy, plan: PlanChanges) -> JournalChanges:
        """Record the entries that are new and all that follows from them, in one step; return the latter.

        Units come one after the other, on however many instances. `plan` may be called on an assumption
        first, and again if that does not hold; what it returns last is written. What it raises passes
        through, and leaves no trace. Raises Unavailable if the database is away. Then nothing was done; or
        all of it was, if only the answer to the commit was lost. So record the same entries again: what was
        done makes them duplicates.
        """


class ChatLog(Protocol):
    """What is shown of chat, on all instances."""

    async def write(self, heard: Sequence[ChatReport]) -> None:
        """Write what follows from what had not been heard before, in order; raises Unavailable."""


class Outbox(Protocol):
    """Effects that wait to be performed; each raises Unavailable if the database is away."""

    async def lease(self, kinds: Collection[str], limit: int) -> Sequence[Job]:
        """Take what is due, the oldest first, of these kinds: nobody else has it until it is settled.

        Of one lane, one effect at most is leased at a time, and the oldest first. Effects without a lane are
        taken in rounds: each viewer has one in each round, which is fixed when the effect is planned.
        """

    async def recover(self) -> None:
        """Make effects due again, in doubt, that were leased by instances which are gone.

        Plan also the checks for doubles: of effects that were in doubt, and have been done for as long as
        their settlement says.
        """

    async def settle(self, job: Job, settlement: Settlement) -> None:
        """Write what came of a job, once; if it is no longer ours, nothing is written."""

    async def settle_all(self, settled: Sequence[tuple[Job, Settlement]]) -> None:
        """Write what came of several jobs, of each as `settle` does: one that is not ours harms no other.

        Raises Unavailable where not all is written, as far as is known; then write all of it again.
        """

    async def claimed(self, viewer: Viewer) -> Collection[UUID]:
        """Tell which transactions of a viewer are known to be ours."""

    async def is_under_way(self, viewer: Viewer) -> bool:
        """Tell whether the ledger may be making a transaction of a viewer for us that is not known yet."""


class ParkedItems(Protocol):
    """The entries and effects that wait for the operator; each raises Unavailable."""

    async def list_parked(self, limit: int) -> Sequence[ParkedEntry | ParkedEffect]:
        """List so many of the entries and so many of the effects that are parked, the oldest first.

        What is large is left out: bodies, and images.
        """

    async def parked_entry(self, entry_id: str) -> ParkedEntry | None:
        """Give an entry that is parked; None: none of this id is."""

    async def settle(self, key: str, decide: Callable[[Job], Settlement]) -> None:
        """Write what follows for an effect that is parked, and for what waits for it.

        Raises NotFound if none of this key is, and what `decide` raises; then nothing is written.
        """


class Ghosts(Protocol):
    """The ghosts that were asked for; each raises Unavailable."""

    async def first_request(self, request: Entry) -> str | None:
        """Give the id of the entry whose ghost this request gets, perhaps an earlier one; None: it is new."""

    async def progress(self, ghost_id: UUID) -> GhostProgress:
        """Tell how far a ghost has come, that of showtime's predecessor too; raises NotFound."""


class ShowStore(Protocol):
    """The queue of what is on the screen, for all instances; each raises Unavailable.

    The host's commands change it in the unit of work that records them.
    """

    async def change(self, change: ChangeShow[Answer], named: UUID | None = None) -> Answer:
        """Change the queue in one step, and give what `change` says of it.

        `change` is given the queue with all that is open in it, the showing that is named, and the one that
        follows that. What it raises passes through; then nothing is changed.
        """

    async def read(self) -> ShowView:
        """Read the queue as it stands."""


class NightFeedStore(Protocol):
    """What the host reads of the journal while the show goes on; each raises Unavailable."""

    async def latest_broadcasts(self) -> tuple[datetime, Sequence[Broadcast]]:
        """Give the time by the database's clock, and the two latest broadcasts, the newest first."""

    async def entries(self, asked: NightQuery) -> Sequence[NightEntry]:
        """Read entries that were reacted to or are parked, the newest first; their content is not read."""

    async def gifts(self, first: int, last: int) -> Sequence[NightEntry]:
        """Read the gifts of subscriptions and their recipients between two places, with these, in order.

        What became of them is left out.
        """

    async def tally(self, since: datetime | None) -> Sequence[NightTally]:
        """Count the alerts since then, and the points that were credited, for each slot from then on."""

    async def effect_tries(self) -> Sequence[EffectTry]:
        """Tell of the effects of the latest 300 entries that were tried, in any order."""

    async def mark(self, position: int, *, is_handled: bool) -> None:
        """Mark an entry as handled, or not; raises NotFound. The first mark counts."""

    async def revision(self) -> str:
        """Give a word that is another whenever something has changed that the host reads here.

        The journal, marks, what is parked, the ghosts that wait for the host.
        """


class ShowSecrets(Protocol):
    """Who may show and command what is on the screen, beside the broadcaster; each raises Unavailable."""

    async def add(self, secret: ShowSecret, digest: bytes) -> ShowSecret:
        """Keep a secret by its digest; the first of an overlay begins the queue. Gives it as it is kept."""

    async def list_all(self) -> Sequence[ShowSecret]:
        """List those that hold, the oldest first."""

    async def withdraw(self, secret_id: UUID) -> None:
        """Let a secret hold no longer; raises NotFound."""

    async def find(self, digest: bytes) -> ShowSecret | None:
        """Find the secret of this digest that holds; None: there is none."""


class Sessions(Protocol):
    """The hosts who are signed in, on all instances; each raises Unavailable.

    Of a token only its digest is kept.
    """

    async def open(self, digest: bytes, session: Session, replaced: bytes | None = None) -> None:
        """Let somebody be signed in by the token of this digest, and no longer by the one that is replaced.

        Raises NotAllowed for a moderator who is not named.
        """

    async def find(self, digest: bytes) -> Session | None:
        """Find the session of this digest, and let it hold on, since it is used; None: none holds."""

    async def close(self, digest: bytes) -> None:
        """End a session; nothing happens if it does not hold."""


class Moderators(Protocol):
    """The moderators whom the broadcaster has named, by their ids at Twitch; each raises Unavailable."""

    async def add(self, viewer: Viewer) -> Moderator:
        """Name a moderator; one who is named already goes by these names from now on."""

    async def list_all(self) -> Sequence[Moderator]:
        """List them, the longest named first."""

    async def is_named(self, user_id: str) -> bool:
        """Tell whether a user is a moderator."""

    async def withdraw(self, user_id: str) -> None:
        """Let a user be a moderator no longer, and end the user's sessions; raises NotFound."""


class OneTimeCodes(Protocol):
    """What is accepted once, and soon; each raises Unavailable."""

    async def keep(self, digest: bytes, code: OneTimeCode) -> None:
        """Keep a code by its digest, for `CODE_TIME`."""

    async def take(self, digest: bytes, purpose: CodePurpose) -> OneTimeCode | None:
        """Use the code of this digest; None: there is none for this purpose, it was used, or is too old."""


class IdentityProvider(Protocol):
    """Tells who somebody is who signs in elsewhere; each raises Unavailable while it is away."""

    def authorization_url(self, state: str) -> str:
        """Give the URL at which somebody signs in, and from which the browser comes back with this state."""

    async def identify(self, code: str) -> Viewer:
        """Tell whom a code stands for; raises Refused for a code that is not accepted."""

    async def find_user(self, login: str) -> Viewer:
        """Find a user; raises NotFound if there is none of this login."""


class GhostApprovals(Protocol):
    """The ghosts that wait for the host before they are painted; each raises Unavailable."""

    async def list_awaiting(self) -> Sequence[AwaitingGhost]:
        """List them, the oldest first."""

    async def decide(self, ghost_id: UUID, *, is_approved: bool) -> None:
        """Let one be painted, or give its points back; raises NotFound if none of this id waits."""


class AutoMod(Protocol):
    """The channel's own AutoMod."""

    async def permits(self, words: str) -> bool:
        """Tell whether it would let words pass in chat; raises Unavailable, or Refused if it says nothing."""


class Authenticator(Protocol):
    """Tells who bears an access token."""

    async def identify(self, token: str) -> Identity:
        """Tell whose token it is; raises NotAuthenticated, or Unavailable if nobody can tell now."""


class History(Protocol):
    """The nights that were; each raises Unavailable."""

    async def broadcasts(self, after: int | None = None, limit: int | None = None) -> list[ListedBroadcast]:
        """List the nights with a tape by their start: all, or those after one, or so many.

        Raises NotFound if `after` is no broadcast.
        """

    async def broadcast(self, broadcast_id: int) -> PastBroadcast:
        """Tell all of one night; raises NotFound."""

    async def gallery(
        self,
        limit: int,
        before: UUID | None = None,
        around: UUID | None = None,
        broadcast_id: int | None = None,
    ) -> GhostPage:
        """List ghosts that were paid for, the newest first: so many at most, of one night or of all.

        `before` lists those that are older than that one, `around` that one and its neighbours on both sides;
        of one that is not known, or was not paid, there are none.
        """

    async def last_tapes(self, limit: int) -> list[LastTape]:
        """List the tapes that were on last, each once, the newest first: so many at most."""

    async def image_urls(self, request_id: UUID) -> list[str]:
        """List where the images of a ghost are, in order; none of one that is not known, or was not paid."""

    async def set_vod_url(self, broadcast_id: int, url: str) -> None:
        """Keep where the recording of a night is; empty: nowhere. Raises NotFound."""


class Nights(Protocol):
    """All that is recorded of a night, to look at it afterwards; each raises Unavailable."""

    async def numbers(self, limit: int, before: int | None = None) -> Sequence[int]:
        """List so many broadcasts at most, the latest first: those that began before one, or the latest.

        Raises NotFound if `before` is no broadcast.
        """

    async def night(self, broadcast_id: int | None) -> RecordedNight:
        """Read one night as of one moment, or the one on the air (None); raises NotFound.

        The contents of its entries are not read.
        """


class Ledger(Protocol):
    """Changes to the points of a viewer.

    Each raises Refused for what it will never do, Unavailable if nothing was done, Ambiguous if the answer
    was lost. `key` names the change for ever: a ledger that knows keys does it once, another cannot.
    """

    async def credit(self, credit: Credit, key: str) -> UUID:
        """Credit points; returns the transaction's id."""

    async def reserve(self, viewer: Viewer, points: int, ghost_id: UUID, key: str) -> UUID:
        """Reserve points for a ghost; returns the transaction's id. Raises NotEnoughPoints."""

    async def accept(self, viewer: Viewer, flow_id: UUID) -> None:
        """Spend what was reserved. Raises NotPending if it was accepted or rejected before."""

    async def reject(self, viewer: Viewer, flow_id: UUID) -> None:
        """Give back what was reserved. Raises NotPending if it was accepted or rejected before."""


class Account(Protocol):
    """Reads the points of a viewer; each raises Unavailable."""

    async def balance(self, viewer: Viewer) -> Balance:
        """Tell what the viewer has."""

    async def statement(self, viewer: Viewer, period: timedelta) -> Statement:
        """List the transactions of the last `period` by the ledger's clock, newest first, and none older.

        Tell when it was asked by that clock: of a list that does not tell it nobody knows how old they are.
        """

    async def find(self, viewer: Viewer, flow_id: UUID) -> Transaction | None:
        """Find one transaction; None if there is none, or if the ledger's database fails."""


class ReadableLedger(Ledger, Account, Protocol):
    """A ledger that changes the points of viewers, and reads them as well."""


class PagedLedger(ReadableLedger, Protocol):
    """A ledger that lists all transactions of a viewer besides, however old they are."""

    async def page(self, viewer: Viewer, limit: int, first: UUID | None = None) -> TransactionPage:
        """List so many, newest first: from the latest on, or from `first` on, with that one itself.

        There are none where `first` is no transaction of the viewer. Raises Unavailable.
        """


class Painter(Protocol):
    """Makes images."""

    async def paint(self, prompt: str) -> bytes:
        """Paint one image of 1024 x 1024; returns a JPEG.

        Raises ContentRefused with the painter's words, Refused where trying again is of no use, or
        Unavailable. Painting again does no harm.
        """


class Bucket(Protocol):
    """Stores images under public URLs."""

    async def store(self, key: str, jpeg: bytes) -> str:
        """Store an image under a key, in place of what is there; returns its URL. Raises Unavailable."""


class Gallery(Protocol):
    """Posts ghosts where people can talk about them."""

    async def post(self, username: str, subject: str, jpeg: bytes) -> None:
        """Post a ghost; raises Refused, Unavailable if it was not posted, Ambiguous if it may have been."""


class EventSubSubscriptions(Protocol):
    """The EventSub subscriptions at Twitch, of everybody who shares our client id.

    Each raises Unavailable if Twitch is away, and Refused if it will not do it, with Twitch's reason.
    """

    async def list_all(self) -> Sequence[EventSubSubscription]:
        """List all subscriptions of our client id, whoever made them."""

    async def find(self, subscription_id: str) -> EventSubSubscription | None:
        """Look for one; None: it is not there, or not listed yet."""

    async def create(self, wanted: WantedSubscription) -> EventSubSubscription:
        """Create one that calls our URL; returns the one that is there already, where there is.

        Raises NotAllowed while the broadcaster's consent is missing.
        """

    async def delete(self, subscription_id: str) -> None:
        """Delete one; nothing happens if it is not there."""


class ThrowAwaySubscriptions(EventSubSubscriptions, Protocol):
    """The same, where one can be made for its challenge alone."""

    async def create_anew(self, wanted: WantedSubscription) -> EventSubSubscription:
        """Create one that calls our URL; one that is there already is deleted first.

        So Twitch challenges us. Raises what `create` does.
        """


class Channels(Protocol):
    """What Twitch says of channels; raises Unavailable or Refused as `EventSubSubscriptions` does."""

    async def user_id(self, login: str) -> str:
        """Tell the id of a user; raises Refused if there is none of this login."""

    async def stream_listing(self, broadcaster_id: str) -> StreamListing:
        """Tell whether a channel is live, as Twitch lists it now."""


class Consent(Protocol):
    """The broadcaster's consent to what the subscriptions tell; raises Unavailable while Twitch is away.

    What was consented to is checked: NotAllowed if it was somebody else, or not to all of it.
    """

    def authorization_url(self, state: str, redirect_uri: str) -> str:
        """Give the URL at which the broadcaster is asked; a code comes to `redirect_uri` with this state."""

    async def confirm(self, code: str, redirect_uri: str) -> None:
        """See what the code stands for."""

    async def start_device_flow(self) -> DeviceCode:
        """Begin the device code flow; raises Refused if Twitch does not offer it to our application."""

    async def await_device(self, device: DeviceCode, pause: Callable[[float], Awaitable[None]]) -> None:
        """Wait until the code is typed in; raises Refused if it is not, or NotAllowed for a wrong consent."""


class HealthStore(Protocol):
    """The health of the show, kept where every instance reads it; raises Unavailable."""

    async def read(self) -> Health:
        """Read what is known."""

    async def save_twitch(self, health: TwitchHealth) -> None:
        """Save the result of a check at Twitch."""


class PreflightStore(Protocol):
    """What came of the tries before a night, for all instances; each raises Unavailable."""

    async def read(self) -> Preflight:
        """Read the latest results, and the latest run."""

    async def change(self, change: ChangeRun) -> Preflight:
        """Change the run in one step, and give all that is known then.

        What `change` raises passes through; then nothing is changed.
        """

    async def save(self, result: LinkResult) -> None:
        """Keep a result, unless there is a later one of the link."""


class PainterModel(Protocol):
    """The model that paints."""

    async def look_up(self) -> str:
        """Tell its name if our key may use it, painting nothing; raises Refused or Unavailable."""


class PublicStorage(Protocol):
    """The storage of images, as everybody sees it."""

    async def prove(self, key: str, jpeg: bytes) -> None:
        """Store an object under a key, read it by its public URL, and delete it.

        What was stored is deleted whatever happens. Raises Unavailable with what does not work.
        """


class Webhook(Protocol):
    """What posts are sent to."""

    async def look_up(self) -> str:
        """Tell its name, posting nothing; raises Refused or Unavailable."""


class TwitchClock(Protocol):
    """The clock of Twitch."""

    async def read(self) -> datetime:
        """Tell the time in whole seconds, as Twitch tells it; raises Unavailable."""


class WritableDatabase(Protocol):
    """The database, as whoever writes sees it."""

    async def write(self) -> None:
        """Write for a try, and leave nothing of it; raises Unavailable with the reason."""

    async def free_bytes(self) -> int | None:
        """Tell how much space is left on its disk; None: it cannot be seen from here. Raises Unavailable."""
