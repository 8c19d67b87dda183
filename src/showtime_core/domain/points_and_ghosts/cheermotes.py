"""Cheermotes: the words by which bits are cheered in a message, such as `Cheer200`."""

import re

from showtime_core.texts import INVISIBLE

PREFIXES = (
    *("4Head", "Anon", "bday", "BibleThump", "BitBoss", "Charity", "Cheer", "Cheerwhal", "Corgo", "DansGame"),
    *("DoodleCheer", "EleGiggle", "FailFish", "FrankerZ", "Goal", "HeyGuys", "HolidayCheer", "Kappa"),
    *("Kreygasm", "MrDestructoid", "Muxy", "NotLikeThis", "Party", "PJSalt", "Pride", "RIPCheer", "Scoops"),
    *("SeemsGood", "Shamrock", "ShowLove", "Streamlabs", "SwiftRage", "TriHard", "uni", "VoHiYo"),
)
"""What stands before the bits on every channel (Twitch's `Get Cheermotes`); a channel's own are not known."""

# A whole word, as Twitch reads it, with the space behind it; what nobody sees parts words as well.
_CHEERMOTE = re.compile(
    rf"(?<![^{INVISIBLE}])(?:{'|'.join(PREFIXES)})[1-9][0-9]*(?![^{INVISIBLE}])[{INVISIBLE}]*",
    re.IGNORECASE | re.ASCII,
)
# Most texts hold no number, and so no cheermote: that is seen much sooner.
_BITS = re.compile(r"[1-9]")


def without_cheermotes(text: str) -> str:
    """Leave the cheermotes out, in any case; `agent007` and `room 101` are none, for they name no prefix."""
    return _CHEERMOTE.sub("", text) if _BITS.search(text) else text
