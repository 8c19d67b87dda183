"""Chat by EventSub: emotes are fragments of the text."""

from datetime import UTC, datetime

import pytest

from showtime_adapters.twitch.chat_messages import read_notification, read_written
from showtime_adapters.twitch.fields import FieldError
from showtime_core.domain.chat import encode

SENT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CHATTER = {"chatter_user_id": "7701", "chatter_user_login": "tina", "chatter_user_name": "Tina"}
KAPPA = {"type": "emote", "text": "Kappa", "emote": {"id": "25", "format": ["static"]}}


def plain(text):
    return {"type": "text", "text": text, "emote": None, "cheermote": None, "mention": None}


def read(text, fragments):
    event = read_written(
        CHATTER | {"message_id": "m", "message": {"text": text, "fragments": fragments}}, SENT
    )
    return event.text, encode(event.text, event.emotes)[0]


def test_an_emote_is_where_its_fragment_is():
    """Positions are counted over all fragments, whatever their type, in code points."""
    mention = {"type": "mention", "text": "@Bob", "mention": {"user_id": "1"}}
    text = "@Bob 📼 Kappa for $5 Kappa"
    fragments = [mention, plain(" 📼 "), KAPPA, plain(" for $5 "), KAPPA]
    assert read(text, fragments) == (text, "@Bob 📼 $0 for $$5 $0")


@pytest.mark.parametrize(
    ("text", "fragments", "shown"),
    [
        ("waves 📼 Kappa", [plain("waves 📼 "), KAPPA], "waves 📼 $0"),
        ("Kappa", [KAPPA], "$0"),
        ("Kappa waves Kappa", [KAPPA, plain(" waves "), KAPPA], "$0 waves $0"),
        ("waves Kappa", [plain("\x01ACTION waves "), KAPPA, plain("\x01")], "waves $0"),
        ("Kappa", [plain("\x01ACTION "), KAPPA, plain("\x01")], "$0"),
        ("\x01ACTION x Kappa", [plain("\x01ACTION x "), KAPPA], "\x01ACTION x $0"),
    ],
    ids=["text alone", "emote alone", "emotes", "fragments too", "a fragment of its own", "twice"],
)
def test_me_is_read_without_its_wrapper(text, fragments, shown):
    """A /me message is read without its wrapper, and its emotes are found where fragments have none."""
    assert read(f"\x01ACTION {text}\x01", fragments) == (text, shown)


@pytest.mark.parametrize(
    "fragments",
    [
        None,
        {},
        [KAPPA],
        [plain("be Kap"), KAPPA],
        [plain(""), KAPPA],
        [None, 7, KAPPA],
        [{"text": "be "}, {"text": "Kappa", "emote": {"id": 25}}],
        [{"text": "be "}, {"text": "Kappa", "emote": {"id": ""}}],
        [{"text": ["be "]}, KAPPA],
    ],
    ids=str,
)
def test_fragments_that_do_not_fit_the_text_are_no_emotes(fragments):
    """The text is shown as it was written."""
    assert read("be Kappa", fragments) == ("be Kappa", "be Kappa")


def test_what_cannot_be_kept_is_dropped_from_text_and_fragments_alike():
    """A NUL or half of a surrogate pair moves no emote."""
    assert read("a\0 \ud83d Kappa", [plain("a\0 \ud83d "), KAPPA]) == ("a  Kappa", "a  $0")


HERE = {"broadcaster_user_id": "1", "broadcaster_user_login": "goldenvcr"}
NEXT_DOOR = {
    "source_broadcaster_user_id": "2",
    "source_broadcaster_user_login": "next_door",
    "source_broadcaster_user_name": "Next_Door",
}


def notice(kind, text=None, **said):
    event = HERE | CHATTER | {"message_id": "m", "notice_type": kind, "color": ""} | said
    message = None if text is None else {"text": text, "fragments": [plain("be "), KAPPA]}
    return read_notification(event | {"message": message}, SENT)


def test_a_gif_is_read_by_its_text():
    """The text of a GIF stays a part of the message, and the emotes behind it keep their places."""
    gif = {"type": "gif", "text": "RewindGif", "gif": {"gif_id": "7", "url": "https://gifs.example/7.gif"}}
    text = "look RewindGif Kappa"
    assert read(text, [plain("look "), gif, plain(" "), KAPPA]) == (text, "look RewindGif $0")


@pytest.mark.parametrize("kind", ["resub", "announcement", "modiversary", "unknown", "moon_phase"])
def test_what_is_written_with_a_notice_is_chat(kind):
    """What somebody writes with whatever is announced is read as any message is; or it is empty."""
    written = notice(kind, "be Kappa")
    assert (written.message_id, written.writer.name, written.text) == ("m", "Tina", "be Kappa")
    assert encode(written.text, written.emotes)[0] == "be $0"
    assert notice(kind).text == ""


def test_an_anonymous_notice_names_nobody():
    """Who gives anonymously has no id and no name."""
    nobody = dict.fromkeys(CHATTER) | {"chatter_is_anonymous": True}
    assert notice("sub_gift", "", **nobody).writer.name == "Anonymous"


def test_a_watch_streak_has_its_number():
    """A watch streak is the message with the number of streams; one without a number is malformed."""
    streak = {"streak_count": 7, "channel_points_awarded": 450}
    assert notice("watch_streak", "be Kappa", watch_streak=streak).streak == 7
    assert notice("watch_streak", watch_streak=streak).text == ""
    with pytest.raises(FieldError):
        notice("watch_streak")


@pytest.mark.parametrize(
    ("source", "channel"),
    [
        ({}, ""),
        (dict.fromkeys(NEXT_DOOR), ""),
        (NEXT_DOOR, "Next_Door"),
        (NEXT_DOOR | {"source_broadcaster_user_name": " "}, "next_door"),
        (NEXT_DOOR | dict.fromkeys(("source_broadcaster_user_login", "source_broadcaster_user_name")), "2"),
        (NEXT_DOOR | {"source_broadcaster_user_id": "1"}, ""),
    ],
)
def test_another_room_is_named(source, channel):
    """What was written in another room bears the name of its channel, and what was written in ours none."""
    event = HERE | CHATTER | {"message_id": "m", "message": {"text": "hi"}} | source
    assert read_written(event, SENT).source_channel == channel
    assert notice("announcement", "be Kappa", **source).source_channel == channel


def test_a_shared_notice_is_of_another_room():
    """A notice that is called shared is none of ours, even where it names no channel."""
    assert notice("shared_chat_announcement", "be Kappa").source_channel
