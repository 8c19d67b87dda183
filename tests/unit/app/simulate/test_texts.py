"""Chat text, taken apart as Twitch does."""

from hypothesis import given
from hypothesis import strategies as st

from showtime_app.simulate.texts import emote_places, fragments

words = st.sampled_from(["Kappa", "PogChamp", "@VHSVera", "Cheer100", "cheer0", "rewind", "👻", " ", "\n"])
pieces = st.lists(words | st.text(max_size=5))
texts = pieces.map("".join) | pieces.map(" ".join)


@given(texts)
def test_fragments_are_the_message(text):
    """The texts of the fragments, one after the other, are the message to the letter."""
    assert "".join(str(part["text"]) for part in fragments(text)) == text


@given(texts)
def test_emotes_are_where_they_are_said_to_be(text):
    """Positions count code points, the end included, and enclose the whole word."""
    for place in emote_places(text) or []:
        begin, end = int(str(place["begin"])), int(str(place["end"]))
        assert text[begin : end + 1] in {"Kappa", "PogChamp"}
        assert not text[begin - 1 : begin].strip()
        assert not text[end + 1 : end + 2].strip()


def test_every_kind_of_fragment():
    """Emotes, cheermotes and mentions are whole words; all else is text."""
    kinds = [part["type"] for part in fragments("Cheer100 hello @VHSVera Kappa Kappas")]
    assert kinds == ["cheermote", "text", "mention", "text", "emote", "text"]
    assert fragments("Cheer1500")[0]["cheermote"] == {"prefix": "Cheer", "bits": 1500, "tier": 1000}


def test_the_places_of_two_emotes():
    """Characters outside the basic plane count as one."""
    assert emote_places("👻 Kappa LUL") == [
        {"begin": 2, "end": 6, "id": "25"},
        {"begin": 8, "end": 10, "id": "425618"},
    ]
    assert emote_places("nothing here") is None
