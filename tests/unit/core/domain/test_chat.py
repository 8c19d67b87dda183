"""Chat: codes in texts, and what moderators' deeds reach."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.chat import (
    BACKLOG_LENGTH,
    ChatMessage,
    Clear,
    Deletion,
    Emote,
    apply_chat_event,
    displayed_message,
    encode,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.entries import BOB, LARRY, MARGE
from showtime_core.testing.strategies import chat_events
from support.chat import render

ABE, FRANKER = Emote("1902", "presidAbe"), Emote("65", "FrankerZ")


def places(text, emote):
    """Where Twitch finds an emote: at each of its words."""
    firsts = [at for at in range(len(text)) if text.startswith(emote.name, at)]
    return [ev.EmotePosition(emote.id, first, first + len(emote.name) - 1) for first in firsts]


def written(message_id, writer=MARGE, text="be kind", emotes=(), color=""):
    return ev.ChatMessageSent(message_id, writer, color, text, tuple(emotes))


def after(*happened):
    """What is shown of all this, and the backlog after it."""
    backlog, shown = (), []
    for event in happened:
        backlog, line = apply_chat_event(backlog, event)
        shown.append(line)
    return backlog, shown


# --- codes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "coded", "emotes"),
    [
        ("hello world", "hello world", ()),
        ("Lincoln is on the $5 bill", "Lincoln is on the $$5 bill", ()),
        (
            "Lincoln presidAbe presidAbe is on the $5 bill FrankerZ !",
            "Lincoln $0 $0 is on the $$5 bill $1 !",
            (ABE, FRANKER),
        ),
        ("FrankerZ presidAbe", "$0 $1", (FRANKER, ABE)),
        ("  FrankerZ  \t $$", "  $0  \t $$$$", (FRANKER,)),
        ("📼📼 Ⱥ FrankerZ 📼", "📼📼 Ⱥ $0 📼", (FRANKER,)),
    ],
)
def test_dollars_and_emotes_become_codes(text, coded, emotes):
    """Emotes are numbered in the order in which they come first; white space stays as it is."""
    found = [place for emote in (ABE, FRANKER) for place in places(text, emote)]
    assert encode(text, found) == (coded, emotes)


@pytest.mark.parametrize("text", ["FrankerZ7", "xFrankerZ", "FrankerZ\tyes", "FrankerZ,", "(FrankerZ)"])
def test_only_a_whole_word_is_an_emote(text):
    """A code is read as far as there are digits: so it must end at a space, or at the end."""
    assert encode(text, places(text, FRANKER)) == (text, ())


@pytest.mark.parametrize("place", [(0, 3), (5, 8), (4, 4), (9, 20), (400, 407), (7, 5), (8, 15)], ids=str)
def test_a_place_that_is_no_word_is_no_emote(place):
    """An emote position outside the text, inside a word or over several leaves the text as it is."""
    assert encode("rewind the tape!", [ev.EmotePosition("65", *place)]) == ("rewind the tape!", ())


def test_one_word_may_stand_for_two_pictures():
    """Emotes are the same if name and picture are."""
    text, emotes = encode(
        "LUL LUL LUL", [ev.EmotePosition(i, at, at + 2) for at, i in enumerate("121") for at in (4 * at,)]
    )
    assert (text, emotes) == ("$0 $1 $0", (Emote("1", "LUL"), Emote("2", "LUL")))


TEXTS = st.text(st.sampled_from("$0129 \t\u3000aȺ📼") | st.characters(exclude_categories=["Cs"]), max_size=60)


@st.composite
def tagged(draw):
    """Any text, with any tags: those of its words, and others that fit nothing."""
    text = draw(TEXTS)
    ends = [at for at, letter in enumerate(f" {text} ") if letter == " "]
    words = [(first, last - 2) for first, last in pairwise(ends)]
    anywhere = st.tuples(st.integers(0, 70), st.integers(0, 70))
    found = draw(st.lists(st.sampled_from(words) | anywhere, max_size=20))
    return text, [
        ev.EmotePosition(draw(st.sampled_from(["25", "emotesv2_x", ""])), *place) for place in found
    ]


@given(tagged())
@example(("", [ev.EmotePosition("25", 0, -1)]))
def test_codes_give_back_the_text(tagged):
    """Any text with any emote tags: rendering its codes gives the text, and every code names an emote."""
    text, found = tagged
    coded, emotes = encode(text, found)
    assert render(coded, emotes) == text
    assert all(emote.id and emote.name and " " not in emote.name for emote in emotes)
    assert len(set(emotes)) == len(emotes)


@given(tagged())
def test_a_code_ends_at_a_space_or_at_the_end(tagged):
    """A client that reads digits for as long as they come reads the right number."""
    coded, emotes = encode(*tagged)
    codes = [word for word in coded.split(" ") if word.replace("$$", "").startswith("$")]
    assert all(word[1:].isdecimal() and int(word[1:]) < len(emotes) for word in codes)


# --- what is shown --------------------------------------------------------------------------------


def test_a_message_is_shown_with_its_writer():
    """A message is shown with name, colour and text, and without a display name under its login."""
    plain = Viewer("7", "vhs_vera", "")
    assert displayed_message(written("m", plain, "Hi $", color="#1E90FF")) == ChatMessage(
        "m", "7", "vhs_vera", "#1E90FF", "Hi $$", ()
    )


@pytest.mark.parametrize(
    "event",
    [written(""), written("m", text=""), written("m", Viewer("7", "", ""))],
    ids=["id", "text", "name"],
)
def test_what_no_client_can_show_is_not_shown(event):
    """The overlay drops what has no id, no name or no text: it is never sent, nor can it be deleted."""
    assert after(event) == ((), [None])


def test_of_a_message_no_more_is_shown_than_2000_characters():
    """Chat shows the first 2,000 characters of a message; an emote that does not fit in is no emote."""
    long = displayed_message(written("m", text="👻" * 900_000))
    assert long
    assert long.text == "👻" * 2000
    emotes = (ev.EmotePosition("25", 0, 4), ev.EmotePosition("25", 1997, 2001))
    cut = displayed_message(written("m", text=f"Kappa {'x' * 1990} Kappa", emotes=emotes))
    assert cut
    assert cut.text == f"$0 {'x' * 1990} Kap"


def test_a_moderator_deletes_one_message():
    """A deletion is passed on also for an unknown message, and again, for whoever shows it must be told."""
    backlog, shown = after(
        written("m"), ev.ChatMessageDeleted("m"), ev.ChatMessageDeleted("m"), ev.ChatMessageDeleted("older")
    )
    assert shown[1:] == [Deletion(("m",)), Deletion(("m",)), Deletion(("older",))]
    assert [kept.is_deleted for kept in backlog] == [True]


def test_a_ban_deletes_what_the_viewer_wrote():
    """A ban deletes all of a viewer's visible messages and no others, and tells nothing if there is none."""
    _, shown = after(
        written("a", MARGE),
        written("b", BOB),
        written("c", MARGE),
        written("d", MARGE),
        ev.ChatMessageDeleted("c"),
        ev.ChatUserSilenced(MARGE.id),
        ev.ChatUserSilenced(MARGE.id),
        ev.ChatUserSilenced(LARRY.id),
    )
    assert shown[5:] == [Deletion(("a", "d")), None, None]


def test_clearing_chat_clears_all():
    """What was cleared is not deleted once more by a ban."""
    _, shown = after(written("a"), ev.ChatCleared(), ev.ChatUserSilenced(MARGE.id), ev.ChatCleared())
    assert shown[1:] == [Clear(), None, Clear()]


def test_a_ban_reaches_back_as_far_as_the_backlog():
    """A ban deletes the first of 256 messages, and not one that 256 came after."""
    crowd = [written(f"m{number}", BOB) for number in range(BACKLOG_LENGTH - 1)]
    ban = ev.ChatUserSilenced(MARGE.id)
    assert after(written("first"), *crowd, ban)[1][-1] == Deletion(("first",))
    backlog, shown = after(written("first"), *crowd, written("one more", BOB), ban)
    assert shown[-1] is None
    assert len(backlog) == BACKLOG_LENGTH


@given(st.lists(chat_events(), max_size=40))
def test_what_is_seen_is_what_is_kept(happened):
    """A client that shows and hides as it is told shows, of the backlog, what is not deleted there."""
    backlog, shown = after(*happened)
    seen = {}
    for line in shown:
        match line:
            case ChatMessage():
                seen[line.id] = line
            case Deletion(ids):
                seen = {key: message for key, message in seen.items() if key not in ids}
            case Clear():
                seen = {}
    assert set(seen) == {kept.message_id for kept in backlog if not kept.is_deleted}
