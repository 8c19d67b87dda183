"""Chat by EventSub: emotes are fragments of the text."""

from datetime import UTC, datetime

import pytest

from showtime_adapters.twitch.chat_messages import read_written
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
