"""A night without names: who did something is a number, and nothing that anybody typed is left.

What is kept is named here, and all else is left out: so is what Twitch adds tomorrow.
"""

import json
import re
from typing import Any
from uuid import UUID

from attrs import evolve, field, mutable

from showtime_core.domain.journal import PRUNED, JournalRecord, Outcome
from showtime_core.domain.points_and_ghosts.ghosts import find_subject, ghost_id_of

LEFT_OUT = "left out"
"""Stands where there were words."""
_SUBJECT = f"something {LEFT_OUT}"
_GHOST = f"ghost of {_SUBJECT}"
"""Stands for words that ask for a ghost, so that one is asked for still."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)")
_TYPE = re.compile(
    r"(channel|stream|user|drop|extension|automod|conduit|tape|show|entry|ghost|chat)(\.[a-z_-]+){1,4}"
)
"""Types of EventSub, and of entries of our own."""
_WORDS = {
    "tier": {"1000", "2000", "3000"},
    "version": {"1", "2", "beta"},
    "method": {"webhook"},
    "status": {
        "enabled", "unfulfilled", "fulfilled", "canceled", "unknown", "authorization_revoked", "user_removed",
        "notification_failures_exceeded", "version_removed", "moderator_removed",
    },
    "type": {
        "live", "rerun", "premiere", "playlist", "watch_party", "cheer", "power_up", "custom_power_up",
        "text", "bits", "subscription", "other", "regular", "treasure", "golden_kappa",
    },
    "notice_type": {
        "sub", "resub", "sub_gift", "community_sub_gift", "gift_paid_upgrade", "prime_paid_upgrade", "raid",
        "unraid", "pay_it_forward", "announcement", "bits_badge_tier", "charity_donation", "watch_streak",
    },
}  # fmt: skip
"""Texts that are kept below these keys: words of Twitch's own."""
_NUMBERS = frozenset({
    "alertId", "bits", "cooldown", "cost", "cumulative_months", "cumulative_total", "duration_months",
    "duration_seconds", "goal", "gift_total", "is_anonymous", "is_automatic", "is_gift", "is_shared_train",
    "level", "progress", "streak", "streak_count", "streak_months", "tapeId", "total", "viewers",
})  # fmt: skip
"""Keys below which numbers and truth values are kept."""
_PERSON = re.compile(
    r"((?:(?:from_|to_|source_)?broadcaster_|moderator_|chatter_|target_|gifter_|recipient_)?user)_(id|login|name)"
)
"""Keys that name somebody, in three parts."""
_IDS = frozenset({
    "id", "message_id", "streamId", "screeningId", "commandId", "entryId", "ghostId", "messageId", "key",
})  # fmt: skip
_TYPED = frozenset({"message", "text", "subject", "user_input"})
_TIMES = frozenset({
    "created_at", "started_at", "ended_at", "expires_at", "followed_at", "redeemed_at", "cooldown_ends_at",
    "startedAt", "seenAt", "since",
})  # fmt: skip
_PARTS = frozenset(
    {"subscription", "transport", "condition", "event", "user", "power_up", "watch_streak", "resub"}
)
"""Keys of what has parts of its own."""
_EMPTIED = frozenset({"title", "category_name", "url"})
"""Keys of texts that are needed, and are left empty."""


@mutable
class WithoutNames:
    """Takes names and words out of the entries of one night, the same way in each."""

    _people: dict[str, int] = field(factory=dict)
    _ids: dict[str, UUID] = field(factory=dict)
    _ghosts: dict[str, UUID] = field(factory=dict)
    """By the ghost's id, that of the same ghost after its entry has another id."""

    def record(self, record: JournalRecord) -> JournalRecord:
        """Give an entry without names; call it for each entry of a night, in order."""
        entry = record.entry
        name = self._entry_id(entry.id)
        self._ghosts[str(ghost_id_of(entry.id))] = ghost_id_of(name)
        body = entry.body if entry.content is PRUNED else self._body(entry.body)
        changed = evolve(
            entry,
            id=name,
            type=entry.type if _TYPE.fullmatch(entry.type) else LEFT_OUT,
            version=entry.version if entry.version in _WORDS["version"] else "",
            body=body,
        )
        return evolve(record, entry=changed, remark=self._remark(record))

    def _remark(self, record: JournalRecord) -> str | None:
        if record.outcome is Outcome.REPEATED and record.remark:
            return self._entry_id(record.remark)
        return record.remark and (
            f"no ghost: {LEFT_OUT}" if record.remark.startswith("no ghost: ") else LEFT_OUT
        )

    def _entry_id(self, entry_id: str) -> str:
        """Number an entry; what stands before its id, as showtime names its own, stays."""
        source, colon, rest = entry_id.partition(":")
        if colon and source == "ghost" and rest in self._ghosts:
            return f"ghost:{self._ghosts[rest]}"
        if colon and source in _OWN:
            return f"{source}:{self._id(rest)}"
        return str(self._id(entry_id))

    def _id(self, name: str) -> UUID:
        return self._ids.setdefault(name, UUID(int=len(self._ids) + 1))

    def _body(self, body: bytes) -> bytes:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return b"{}"
        try:
            return json.dumps(self._value("", document)).encode()
        except RecursionError:
            return b"{}"

    def _value(self, key: str, value: Any) -> Any:  # noqa: ANN401 - of JSON
        if isinstance(value, dict):
            if key in _TYPED:  # a message in pieces
                return {"text": self._typed(value.get("text"))}
            person = self._whose(value)
            return {
                name: self._field(name, each, person)
                for name, each in value.items()
                if name in _KEYS or _PERSON.fullmatch(name) or (name in _OF_USER and "" in person)
            }
        if isinstance(value, list):
            return [self._value(key, each) for each in value if isinstance(each, dict)]
        return self._leaf(key, value)

    def _field(self, name: str, value: Any, person: dict[str, int]) -> Any:  # noqa: ANN401 - of JSON
        if isinstance(value, dict | list):
            return self._value(name, value)
        if found := _PERSON.fullmatch(name):
            return _named(found[2], person.get(found[1]))
        if person.get("") is not None and name in _OF_USER:  # a viewer in an entry of our own
            return _named(_OF_USER[name], person[""])
        return self._leaf(name, value)

    def _whose(self, document: dict[str, Any]) -> dict[str, int]:
        """Number the people whom an object names, by what stands before `_id`."""
        people: dict[str, int] = {}
        for name, value in document.items():
            found = _PERSON.fullmatch(name)
            if found and found[2] == "id" and isinstance(value, str) and value:
                people[found[1]] = self._person(value)
        if document.keys() >= _OF_USER.keys() and isinstance(document["id"], str):
            people[""] = self._person(document["id"])
        return people

    def _person(self, user_id: str) -> int:
        return self._people.setdefault(user_id, len(self._people) + 1)

    def _leaf(self, name: str, value: Any) -> Any:  # noqa: ANN401 - of JSON
        if name == "subject":
            return _SUBJECT
        if name in _TYPED:
            return self._typed(value)
        if name in _IDS:
            return self._own_id(name, value)
        if isinstance(value, str):
            is_type = name == "type" and _TYPE.fullmatch(value)
            is_time = name in _TIMES and _TIME.fullmatch(value)
            return value if is_type or is_time or value in _WORDS.get(name, ()) else ""
        return value if name in _NUMBERS else None

    def _own_id(self, name: str, value: Any) -> Any:  # noqa: ANN401 - of JSON
        if not isinstance(value, str):
            return None
        if name == "entryId":
            return self._entry_id(value)
        return str(self._ghosts[value]) if value in self._ghosts else str(self._id(value))

    def _typed(self, value: Any) -> str:  # noqa: ANN401 - of JSON
        return _GHOST if isinstance(value, str) and find_subject(value) else ""


_OWN = frozenset({"host", "viewer", "ghost", "chat", "repair"})
_OF_USER = {"id": "id", "login": "login", "displayName": "name"}


_KEYS = _WORDS.keys() | _NUMBERS | _IDS | _TYPED | _TIMES | _PARTS | _EMPTIED


def _named(what: str, number: int | None) -> str | None:
    if number is None:
        return None
    return {"id": str(9_000_000 + number), "login": f"viewer_{number}", "name": f"Viewer {number}"}[what]
