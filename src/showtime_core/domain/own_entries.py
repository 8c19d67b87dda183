"""The journal entries that showtime makes itself: the one place where they are named, written and read.

A body stays in the journal for longer than a version lasts, and a night is replayed from it. So keys, their
order and their spelling never change, and a key that is added later is left out where it is not set.
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, assert_never
from uuid import UUID

from attrs import evolve

from showtime_core.domain import events
from showtime_core.domain.journal import Entry, EntrySource
from showtime_core.domain.points_and_ghosts.ghosts import Ghost
from showtime_core.domain.viewers import Viewer

_Document = dict[str, Any]
"""An object of JSON."""


def start_tape_entry(command_id: UUID, tape_id: int) -> Entry:
    """Write the host's command to put a tape on; its id becomes that of the screening."""
    body = {"tapeId": tape_id, "screeningId": str(command_id)}
    return _command(command_id, "tape.start", events.TapeStarted(command_id, tape_id), body)


def stop_tape_entry(command_id: UUID) -> Entry:
    """Write the host's command to take the tape off."""
    return _command(command_id, "tape.stop", events.TapeStopped(), {})


def show_command_entry(command: events.ShowCommanded) -> Entry:
    """Write the host's command about the queue of the show."""
    body: _Document = {"commandId": str(command.command_id)}
    body |= {} if command.alert_id is None else {"alertId": command.alert_id}
    return _command(command.command_id, f"{_SHOW}{command.name}", command, body)


def alert_test_entry(test: events.AlertTested) -> Entry:
    """Write the host's command to try out an alert."""
    body = {"commandId": str(test.command_id), "type": test.kind}
    return _command(test.command_id, _TEST, test, body)


def decision_entry(command_id: UUID, decision: events.EntryRetried | events.EntryDismissed) -> Entry:
    """Write the operator's decision about a parked entry."""
    kind = "entry.retry" if isinstance(decision, events.EntryRetried) else "entry.dismiss"
    return _command(command_id, kind, decision, {"entryId": decision.entry_id})


def ghost_request_entry(viewer: Viewer, subject: str, name: UUID, key: str | None = None) -> Entry:
    """Write a viewer's request for a ghost; the same `name` again is the same request."""
    body = {"user": _user(viewer), "subject": subject} | ({} if key is None else {"key": key})
    wanted = events.GhostRequested(viewer, subject, key)
    return _entry(f"viewer:{name}", EntrySource.VIEWER, "ghost.request", wanted, body)


def ghost_paid_entry(ghost: Ghost) -> Entry:
    """Say in the journal that a ghost is paid: its alert follows from this, once."""
    assert ghost.url, "a ghost that is paid was stored"
    body = {"ghostId": str(ghost.id), "user": _user(ghost.viewer), "subject": ghost.subject, "url": ghost.url}
    paid = events.GhostPaid(ghost.viewer, ghost.subject, ghost.url)
    return _entry(f"ghost:{ghost.id}", EntrySource.RELAY, "ghost.paid", paid, body)


def watch_streak_entry(shared: events.WatchStreak) -> Entry:
    """Say in the journal that a watch streak was shared: once, whether IRC or EventSub told it."""
    body = {
        "messageId": shared.message_id,
        "user": _user(shared.writer),
        "streak": shared.streak,
        "message": shared.text,
    }
    return _entry(f"chat:{shared.message_id}", EntrySource.CHAT, "chat.watch-streak", shared, body)


def repair_entry(event: events.StreamFound | events.StreamMissed) -> Entry:
    """Write what Twitch's API has shown of a message that was lost."""
    match event:
        case events.StreamFound(stream_id, started_at):
            kind, body = "stream.found", {"streamId": stream_id, "startedAt": started_at.isoformat()}
        case events.StreamMissed(since, _, stream_id):
            kind, body = "stream.missed", {"since": since.isoformat()}
            body |= {"streamId": stream_id} if stream_id else {}
        case _:
            assert_never(event)
    seen_at = event.seen_at.isoformat()
    entry = _entry(f"repair:{kind}:{seen_at}", EntrySource.REPAIR, kind, event, body | {"seenAt": seen_at})
    return evolve(entry, sent_at=event.seen_at)


def read_own_entry(entry: Entry) -> Entry:
    """Read the content of such an entry from its body; raises KeyError or ValueError for any other entry.

    `entry.retry` is not read here: its content is that of the entry that it retries.
    """
    return evolve(entry, content=_READERS[entry.type](json.loads(entry.body)))


def _command(command_id: UUID, kind: str, content: events.Event, body: _Document) -> Entry:
    return _entry(f"host:{command_id}", EntrySource.HOST, kind, content, body)


def _entry(entry_id: str, source: EntrySource, kind: str, content: events.Event, body: _Document) -> Entry:
    return Entry(entry_id, source, kind, None, content, json.dumps(body).encode())


def _user(viewer: Viewer) -> _Document:
    return {"id": viewer.id, "login": viewer.login, "displayName": viewer.display_name}


def _read_user(user: _Document) -> Viewer:
    return Viewer(user["id"], user["login"], user["displayName"])


def _read_show_command(name: events.ShowCommandName, said: _Document) -> events.Event:
    return events.ShowCommanded(UUID(said["commandId"]), name, said.get("alertId"))


_SHOW = "show."
_TEST = f"{_SHOW}test"
_time = datetime.fromisoformat
_READERS: dict[str, Callable[[_Document], events.Event]] = {
    "tape.start": lambda said: events.TapeStarted(UUID(said["screeningId"]), said["tapeId"]),
    "tape.stop": lambda _: events.TapeStopped(),
    **{f"{_SHOW}{name}": partial(_read_show_command, name) for name in events.ShowCommandName},
    _TEST: lambda said: events.AlertTested(UUID(said["commandId"]), said["type"]),
    "entry.dismiss": lambda said: events.EntryDismissed(said["entryId"]),
    "ghost.request": lambda said: events.GhostRequested(
        _read_user(said["user"]), said["subject"], said.get("key")
    ),
    "ghost.paid": lambda said: events.GhostPaid(_read_user(said["user"]), said["subject"], said["url"]),
    "chat.watch-streak": lambda said: events.WatchStreak(
        said["messageId"], _read_user(said["user"]), "", said["message"], streak=said["streak"]
    ),
    "stream.found": lambda said: events.StreamFound(
        said["streamId"], _time(said["startedAt"]), _time(said["seenAt"])
    ),
    "stream.missed": lambda said: events.StreamMissed(
        _time(said["since"]), _time(said["seenAt"]), said.get("streamId")
    ),
}
