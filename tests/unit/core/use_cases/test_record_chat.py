"""Chat in: what spoils a batch is left out, and the rest is written."""

import pytest
from attrs import evolve

from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import ChatMessageSent, WatchStreak
from showtime_core.errors import Unavailable
from showtime_core.testing.entries import MARGE, cheers
from showtime_core.testing.strategies import entry
from showtime_core.use_cases.record_chat import RecordChat


class Log:
    """A chat log that cannot keep some texts, and may be away."""

    def __init__(self, spoilt=(), *, is_away=False):
        self.spoilt, self.is_away, self.written = spoilt, is_away, []

    async def write(self, heard):
        if self.is_away:
            raise Unavailable("the database is away")
        texts = [each.event.text for each in heard]
        if any(text in self.spoilt for text in texts):
            raise ValueError("it cannot be kept")
        self.written += texts


def written(text):
    return ChatReport(ChatMessageSent(f"id of {text}", MARGE, "", text))


async def test_a_line_that_cannot_be_kept_harms_no_other():
    """The others of its batch are written, in order; only that one is left out."""
    log = Log(spoilt=["torn"])
    await RecordChat(log).record([written("one"), written("torn"), written("two")])
    assert log.written == ["one", "two"]


async def test_whoever_says_it_is_told_while_the_database_is_away():
    """Nothing is left out then: it can be said again."""
    with pytest.raises(Unavailable):
        await RecordChat(Log(is_away=True)).record([written("one")])


async def test_of_messages_of_eventsub_only_chat_is_written_under_their_ids():
    """What else comes along is for others."""

    class Keeping(Log):
        async def write(self, heard):
            self.written += [(each.event, each.entry_id, each.sent_at) for each in heard]

    log, written = Keeping(), ChatMessageSent("line", MARGE, "", "be kind")
    message = entry("m-1", written)
    await RecordChat(log).record_entries([cheers("c-1"), message])
    assert log.written == [(written, "m-1", message.sent_at)]


NEIGHBOUR = ChatReport(ChatMessageSent("n", MARGE, "", "next door", source_channel="Next_Door"))


@pytest.mark.parametrize(("is_shown", "kept"), [(False, ["here"]), (True, ["next door", "here"])])
async def test_another_room_is_shown_where_it_is_wanted(is_shown, kept):
    """What was written in another room of a shared chat is let go, unless a setting shows it."""
    log = Log()
    await RecordChat(log, is_shown).record([NEIGHBOUR, written("here")])
    assert log.written == kept


async def test_what_is_let_go_troubles_nobody():
    """Where nothing is left to be shown the log is not asked."""
    await RecordChat(Log(is_away=True)).record([NEIGHBOUR])


async def test_a_watch_streak_of_our_room_is_announced():
    """A watch streak is announced once it is in the log; that of another room, or without an id, never."""
    log, announced = Log(), []
    streak = WatchStreak("s", MARGE, "", "seven tapes", streak=7)

    async def announce(entry):
        announced.append((entry.id, log.written[-1]))

    reports = [
        ChatReport(each)
        for each in (streak, evolve(streak, source_channel="Next_Door"), evolve(streak, message_id=""))
    ]
    await RecordChat(log, shows_shared=True, announce=announce).record([written("hi"), *reports])
    assert announced == [("chat:s", "seven tapes")]
    await RecordChat(log).record(reports)
    assert len(announced) == 1
