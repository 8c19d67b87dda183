"""What every implementation of the chat log keeps to: a suite of rules, to be mixed into a class of tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from attrs import evolve, frozen

from showtime_core.domain import events as ev
from showtime_core.domain.chat import BACKLOG_LENGTH, ChatLine, ChatMessage, ChatReport, Clear, Deletion
from showtime_core.domain.viewers import Viewer
from showtime_core.ports import ChatLog
from showtime_core.testing.entries import BOB, LARRY, MARGE
from showtime_core.use_cases.record_chat import RecordChat


@frozen
class ChatStage:
    """A chat log on an empty stage: as two instances have it, and what it shows of late."""

    log: ChatLog
    other: ChatLog
    read: Callable[[], Awaitable[Sequence[ChatLine]]]
    """The lines as far as they are kept, in order: the latest 256 messages at least."""


def chat_report(message_id: str, writer: Viewer = MARGE, entry_id: str | None = None) -> ChatReport:
    """Somebody writes: Marge, if nobody else is named."""
    return ChatReport(ev.ChatMessageSent(message_id, writer, "", "be kind"), entry_id)


def displayed(message_id: str, writer: Viewer = MARGE) -> ChatMessage:
    """Tell how that is shown."""
    return ChatMessage(message_id, writer.id, writer.name, "", "be kind", ())


class ChatLogContract:
    """The rules of `showtime_core.ports.ChatLog`."""

    async def test_what_is_heard_is_shown_in_order(self, chat: ChatStage) -> None:
        """Messages are shown in order over two instances, in batches of any size."""
        await chat.log.write([chat_report("a"), chat_report("b", BOB)])
        await chat.other.write([ChatReport(ev.ChatMessageDeleted("a")), chat_report("c")])
        await chat.log.write([])
        await chat.log.write([ChatReport(ev.ChatCleared())])
        assert await chat.read() == [
            displayed("a"),
            displayed("b", BOB),
            Deletion(("a",)),
            displayed("c"),
            Clear(),
        ]

    async def test_another_room_keeps_its_name(self, chat: ChatStage) -> None:
        """A message of another room of a shared chat is shown with its channel, and a ban takes it away."""
        there = ev.ChatMessageSent("a", MARGE, "", "be kind", source_channel="Next_Door")
        await chat.log.write([ChatReport(there), ChatReport(ev.ChatUserSilenced(MARGE.id))])
        shown = evolve(displayed("a"), source_channel="Next_Door")
        assert await chat.read() == [shown, Deletion(("a",))]

    async def test_what_is_heard_again_is_not_shown_again(self, chat: ChatStage) -> None:
        """A message by two ways, or twice in one batch or two, is shown once."""
        cleared = ChatReport(ev.ChatCleared(), "clear-1")
        await chat.log.write([chat_report("a", entry_id="e1"), chat_report("a"), cleared, cleared])
        await chat.other.write([chat_report("a"), chat_report("a", entry_id="e2"), cleared, chat_report("b")])
        assert await chat.read() == [displayed("a"), Clear(), displayed("b")]

    async def test_a_ban_reaches_what_any_instance_wrote(self, chat: ChatStage) -> None:
        """A ban deletes what any instance wrote, and deletes nothing twice."""
        await chat.log.write([chat_report("a", BOB), chat_report("b", LARRY)])
        await chat.other.write(
            [chat_report("c", BOB), ChatReport(ev.ChatUserSilenced(BOB.id)), chat_report("d", BOB)]
        )
        await chat.log.write(
            [ChatReport(ev.ChatUserSilenced(BOB.id)), ChatReport(ev.ChatUserSilenced(BOB.id))]
        )
        assert (await chat.read())[3:] == [Deletion(("a", "c")), displayed("d", BOB), Deletion(("d",))]

    async def test_a_ban_reaches_back_as_far_as_the_backlog(self, chat: ChatStage) -> None:
        """A ban deletes the first of 256 messages, and nothing older."""
        crowd = [chat_report(f"m{number}", LARRY) for number in range(BACKLOG_LENGTH - 2)]
        await chat.log.write(
            [chat_report("gone", BOB), chat_report("first", BOB), *crowd, chat_report("last", BOB)]
        )
        await chat.other.write([ChatReport(ev.ChatUserSilenced(BOB.id))])
        assert (await chat.read())[-1] == Deletion(("first", "last"))

    async def test_who_writes_at_once_writes_in_one_order(self, chat: ChatStage) -> None:
        """Of twenty batches over two instances each message is shown once, each batch in its order."""
        batches = [[chat_report(f"{batch}-{number}") for number in range(5)] for batch in range(20)]
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
        """An id that no index can hold keeps no other message from being shown."""
        reports = [chat_report("a"), chat_report("x" * 1_000_000), chat_report("b")]
        await RecordChat(chat.log).record(reports)
        lines = await chat.read()
        assert [line for line in lines if line in (displayed("a"), displayed("b"))] == [
            displayed("a"),
            displayed("b"),
        ]
