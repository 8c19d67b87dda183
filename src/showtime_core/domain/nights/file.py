"""A night as a file: JSON Lines, a header first, then one entry of the journal a line, as recorded, in order.

The reference of the format is `docs/reference/night-file.md`. A file outlives the version that wrote it: keys
never change their meaning, and a reader passes over keys that it does not know.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from showtime_core.domain.journal import PRUNED, Entry, EntrySource, JournalRecord, Outcome, Unknown
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.texts import clean, format_time, quote

FORMAT = "showtime-night"
"""What the first line says it is."""
VERSION = 1
"""Files of a higher one are refused: they may hold what this version would lose."""

_Document = dict[str, Any]


class NightFileError(Refused):
    """A file of a night is not what it should be: the line, and what is wrong with it."""


@frozen
class NightHeader:
    """What the first line says: which night it is."""

    number: int
    """Of the broadcast."""
    started_at: datetime
    ended_at: datetime | None
    """None: it was on the air when it was written down."""
    has_names: bool = True
    """Whether viewers are named in it, and what they typed stands in it."""


@frozen
class NightFile:
    """A night that was read from a file."""

    header: NightHeader
    records: tuple[JournalRecord, ...]
    """In the order of the file; their contents are not read."""

    @property
    def decided(self) -> frozenset[str]:
        """The entries about which a command in the file decides."""
        commands = (one.entry for one in self.records if one.entry.type in ("entry.retry", "entry.dismiss"))
        return frozenset(decided_id(command) for command in commands) - {""}


def write_night(header: NightHeader, records: Iterable[JournalRecord]) -> Iterator[str]:
    """Write the lines of a file, each with its end."""
    yield _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "night": header.number,
            "startedAt": format_time(header.started_at),
            "endedAt": header.ended_at and format_time(header.ended_at),
            "names": header.has_names,
        }
    )
    for record in records:
        yield _line(_record_document(record))


def read_night(lines: Iterable[str | bytes]) -> NightFile:
    """Read the lines of a file; raises NightFileError, with the number of the first line that is wrong."""
    header: NightHeader | None = None
    records: dict[str, JournalRecord] = {}
    for number, line in enumerate(lines, 1):
        try:
            document = _read_object(line)
            if header is None:
                header = _read_header(document)
            else:
                _add(_read_record(document), records)
        except NightFileError as reason:
            raise NightFileError(f"line {number}: {reason}") from None
    if header is None:
        raise NightFileError("line 1: the file is empty: its first line says which night it is")
    return NightFile(header, tuple(records.values()))


def _add(record: JournalRecord, records: dict[str, JournalRecord]) -> None:
    if record.entry.id in records:
        raise NightFileError(f"{quote(record.entry.id)} is there already, in a line before")
    records[record.entry.id] = record


def _line(document: _Document) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


def _record_document(record: JournalRecord) -> _Document:
    entry = record.entry
    policy = record.policy
    return {
        "id": entry.id,
        "source": entry.source.value,
        "type": entry.type,
        "version": entry.version,
        "retry": entry.retry,
        "sentAt": entry.sent_at and format_time(entry.sent_at),
        "reactedAt": format_time(record.now),
        **_body_document(entry),
        "outcome": record.outcome.value,
        "remark": record.remark,
        "policy": {
            "alertGiftRecipients": policy.alert_gift_recipients,
            "features": sorted(policy.features),
            "ghostLimits": {"waiting": policy.ghost_limits.waiting, "painted": policy.ghost_limits.painted},
        },
    }


def _body_document(entry: Entry) -> _Document:
    """Keep a body to the byte: as text where it is UTF-8, which all that Twitch sends is."""
    if entry.content is PRUNED:
        return {"body": None}
    try:
        return {"body": entry.body.decode()}
    except UnicodeDecodeError:
        return {"bodyBase64": base64.b64encode(entry.body).decode()}


def decided_id(command: Entry) -> str:
    """Tell about which entry a command decides, from its body; empty: about none that can be read."""
    try:
        return str(json.loads(command.body)["entryId"])
    except (ValueError, KeyError, TypeError):  # whatever a body may be that was changed by hand
        return ""


def _read_object(line: str | bytes) -> _Document:
    try:
        document = json.loads(line if isinstance(line, str) else line.decode())
    except UnicodeDecodeError:
        raise NightFileError("it is no UTF-8") from None
    except (ValueError, RecursionError) as reason:
        raise NightFileError(f"it is no JSON: {quote(str(reason))}") from None
    if not isinstance(document, dict):
        raise NightFileError("it is no object of JSON")
    return document


def _read_header(document: _Document) -> NightHeader:
    if document.get("format") != FORMAT:
        raise NightFileError(f'the first line must say "format": "{FORMAT}": this is no file of a night')
    version = _take(document, "version", int)
    if not 1 <= version <= VERSION:
        raise NightFileError(
            f"the file has version {version}, and this showtime reads up to {VERSION}: upgrade it"
        )
    ended_at = _take(document, "endedAt", str, type(None))
    number = _take(document, "night", int)
    if not 1 <= number <= 2**31 - 1:
        raise NightFileError("'night' must be the number of a broadcast")
    return NightHeader(
        number,
        _moment(document, "startedAt"),
        _moment(document, "endedAt") if ended_at else None,
        _take(document, "names", bool),
    )


def _read_record(document: _Document) -> JournalRecord:
    sent_at = _take(document, "sentAt", str, type(None))
    body = _read_body(document)
    retry = _take(document, "retry", int)
    if not 0 <= retry < 2**31:
        raise NightFileError("'retry' must be a count")
    entry = Entry(
        _text(document, "id"),
        EntrySource(_word(document, "source", [each.value for each in EntrySource])),
        _text(document, "type"),
        _moment(document, "sentAt") if sent_at is not None else None,
        PRUNED if body is None else Unknown(),
        body or b"",
        _take(document, "version", str),
        retry,
    )
    if not entry.id:
        raise NightFileError("'id' must not be empty")
    outcome = Outcome(_word(document, "outcome", [each.value for each in Outcome]))
    remark = _take(document, "remark", str, type(None))
    policy = _read_policy(_take(document, "policy", dict))
    return JournalRecord(entry, _moment(document, "reactedAt"), policy, outcome, remark)


def _read_body(document: _Document) -> bytes | None:
    if "bodyBase64" in document:
        try:
            return base64.b64decode(_text(document, "bodyBase64"), validate=True)
        except ValueError:
            raise NightFileError("'bodyBase64' is no base64") from None
    text = _take(document, "body", str, type(None))
    try:
        return None if text is None else text.encode()
    except UnicodeEncodeError:
        raise NightFileError("'body' has half a character: it cannot be written as UTF-8") from None


def _read_policy(document: Mapping[str, Any]) -> Policy:
    features = _take(document, "features", list)
    if not all(each in list(Feature) for each in features):
        raise NightFileError(f"'features' may hold {', '.join(Feature)}")
    limits = _take(document, "ghostLimits", dict)
    waiting, painted = (_take(limits, name, int, type(None)) for name in ("waiting", "painted"))
    gifts = _take(document, "alertGiftRecipients", bool)
    return Policy(gifts, frozenset(map(Feature, features)), GhostLimits(waiting, painted))


_KINDS = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


def _take(document: Mapping[str, Any], name: str, *kinds: type) -> Any:  # noqa: ANN401 - of one of these kinds
    if name not in document:
        raise NightFileError(f"{name!r} is missing")
    if type(document[name]) not in kinds:
        raise NightFileError(f"{name!r} must be {' or '.join(_KINDS[kind] for kind in kinds)}")
    return document[name]


def _text(document: Mapping[str, Any], name: str) -> str:
    text: str = _take(document, name, str)
    if clean(text) != text:
        raise NightFileError(f"{name!r} holds what no database can keep")
    return text


def _word(document: Mapping[str, Any], name: str, words: Sequence[str]) -> str:
    word = _text(document, name)
    if word not in words:
        raise NightFileError(f"{name!r} is {quote(word)}, and must be one of {', '.join(words)}")
    return word


def _moment(document: Mapping[str, Any], name: str) -> datetime:
    text = _text(document, name)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NightFileError(f"{name!r} is {quote(text)}, and must be a time such as 2026-10-30T20:00:00Z")
    return moment
