"""What every implementation of the chat log keeps to: a suite of rules, to be mixed into a class of tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen

from showtime_core.domain import events as ev
from showtime_core.domain.chat import BACKLOG_LENGTH, ChatLine, ChatMessage, Clear, Deletion, Heard
from showtime_core.domain.viewers import Viewer
from showtime_core.ports import ChatLog
from showtime_core.testing.entries import BOB, LARRY, MARGE
from showtime_core.use_cases.record_chat import hear


@frozen
class ChatStage:
    """A chat log on an empty stage: as two instances have it, and what it shows of late."""

    log: ChatLog
    other: ChatLog
    read: Callable[[], Awaitable[Sequence[ChatLine]]]
    """The lines as far as they are kept, in order: the latest 256 messages at least."""


def said(message_id: str, writer: Viewer = MARGE, entry_id: str | None = None) -> Heard:
    """Somebody writes: Marge, if nobody else is named."""
    return Heard(ev.ChatWritten(message_id, writer, "", "be kind"), entry_id)


def shown(message_id: str, writer: Viewer = MARGE) -> ChatMessage:
    """Tell how that is shown."""
    return ChatMessage(message_id, writer.id, writer.name, "", "be kind", ())


class ChatLogContract:
    """The rules of `showtime_core.ports.ChatLog`."""

    async def test_what_is_heard_is_shown_in_order(self, chat: ChatStage) -> None:
        """Over two instances, in batches of any size."""
        await chat.log.write([said("a"), said("b", BOB)])
        await chat.other.write([Heard(ev.ChatDeleted("a")), said("c")])
        await chat.log.write([])
        await chat.log.write([Heard(ev.ChatCleared())])
        assert await chat.read() == [shown("a"), shown("b", BOB), Deletion(("a",)), shown("c"), Clear()]

    async def test_what_is_heard_again_is_not_shown_again(self, chat: ChatStage) -> None:
        """One message by two ways, one EventSub message twice, in one batch or in two."""
        cleared = Heard(ev.ChatCleared(), "clear-1")
        await chat.log.write([said("a", entry_id="e1"), said("a"), cleared, cleared])
        await chat.other.write([said("a"), said("a", entry_id="e2"), cleared, said("b")])
        assert await chat.read() == [shown("a"), Clear(), shown("b")]

    async def test_a_ban_reaches_what_any_instance_wrote(self, chat: ChatStage) -> None:
        """Once: what is deleted is not deleted again."""
        await chat.log.write([said("a", BOB), said("b", LARRY)])
        await chat.other.write([said("c", BOB), Heard(ev.ChatSilenced(BOB.id)), said("d", BOB)])
        await chat.log.write([Heard(ev.ChatSilenced(BOB.id)), Heard(ev.ChatSilenced(BOB.id))])
        assert (await chat.read())[3:] == [Deletion(("a", "c")), shown("d", BOB), Deletion(("d",))]

    async def test_a_ban_reaches_back_as_far_as_the_backlog(self, chat: ChatStage) -> None:
        """The first of 256 messages, and no further."""
        crowd = [said(f"m{number}", LARRY) for number in range(BACKLOG_LENGTH - 2)]
        await chat.log.write([said("gone", BOB), said("first", BOB), *crowd, said("last", BOB)])
        await chat.other.write([Heard(ev.ChatSilenced(BOB.id))])
        assert (await chat.read())[-1] == Deletion(("first", "last"))

    async def test_who_writes_at_once_writes_in_one_order(self, chat: ChatStage) -> None:
        """Twenty batches over two instances: each message once, and those of a batch in their order."""
        batches = [[said(f"{batch}-{number}") for number in range(5)] for batch in range(20)]
        await asyncio.gather(
            *((chat.other if number % 2 else chat.log).write(batch) for number, batch in enumerate(batches)),
            *((chat.log if number % 2 else chat.other).write(batch) for number, batch in enumerate(batches)),
        )
        ids = [line.id for line in await chat.read() if isinstance(line, ChatMessage)]
        assert len(ids) == len(set(ids)) == sum(map(len, batches))
        for number, batch in enumerate(batches):
            in_order = [shown_id for shown_id in ids if shown_id.startswith(f"{number}-")]
            assert in_order == [f"{number}-{place}" for place in range(len(batch))]

    async def test_what_cannot_be_kept_harms_no_other(self, chat: ChatStage) -> None:
        """An id that no index can hold: the rest is shown."""
        await hear([said("a"), said("x" * 1_000_000), said("b")], chat.log)
        lines = await chat.read()
        assert [line for line in lines if line in (shown("a"), shown("b"))] == [shown("a"), shown("b")]
