"""Who comes to the show, and what they say: the material that simulated events are drawn from."""

import uuid
from collections.abc import Iterator
from random import Random

from attrs import frozen

from showtime_core.domain.viewers import Viewer

_REGULARS = (
    *("VHSVera", "RewindRita", "TapeHissTim", "BetamaxBenny", "TrackingTess", "LaserdiscLou", "StaticSadie"),
    *("CamcorderCarl", "BlankTapeBabs", "EjectEddie", "ChromaKeyChloe", "NoSignalNed", "ScanlineSue"),
    *("PauseButtonPia", "LateFeeLarry", "RabbitEarsRay", "OvertrackedOlga", "SnowyScreenSven"),
    *("AzimuthAda", "DubbedOverDot", "KindlyRewind", "SlowMoMoe", "TeletextTilda", "HeadCleanerHal"),
)
_FIRST_HALVES = ("Dusty", "Wobbly", "Warped", "Grainy", "Magnetic", "Tangled", "Midnight", "Lofi", "Analog")
_SECOND_HALVES = ("Cassette", "Antenna", "Recorder", "Remote", "Spool", "Marquee", "Ghost", "Matinee", "Reel")
RAIDERS = ("PublicAccessPete", "CathodeRayKay", "LongPlayLena", "InfomercialIngo", "FilmstripFay")
CHANNEL = "GoldenVCR"

SUBJECTS = (
    *("a baby seal", "a haunted vending machine", "my aunt's aerobics instructor", "a mall Santa in July"),
    *("the last video store clerk", "a raccoon hosting the news", "a karate class of pelicans"),
    *("a minivan full of owls", "the dancing toast from tape two", "a lonely fax machine"),
)
CHEERS = (
    *("take my bits, rewind man", "tracking is perfect tonight", "for the tape head fund", "that jingle"),
    *("this tape smells like 1987", "worth every bit", "please never fix the audio", "two thumbs up"),
)
CHAT_LINES = (
    *("first!", "is this the one with the puppets? LUL", "the tracking PogChamp", "I had this exact couch"),
    *("HeyGuys evening everyone", "who taped over the wedding NotLikeThis", "that moustache needs a credit"),
    *("be kind, rewind", "audio is in the left ear only, as intended", "call now, operators are standing by"),
    *("Kappa totally real product", "the synth on this slaps", "somebody digitised this on purpose?"),
    *("my mum says hi, she worked there", "BibleThump goodbye little toaster", "more snow please"),
)
RESUBS = (
    *("another month, another mystery tape", "still here, still rewinding", "late fees paid in full"),
    *("my VCR and I send our love HeyGuys", "do not eject me", "happy to keep the tape rolling PogChamp"),
)
TITLES = (
    *("Aerobics, adverts and an alien | tape night", "Unlabelled box from the flea market | tape night"),
    *("Local news bloopers of 1991 | tape night", "Somebody's uncle filmed everything | tape night"),
)
REWARDS = (("Hydrate the host", "", 300), ("Pick the next tape", "A number from the shelf, please", 5000))


@frozen
class Tape:
    """A tape on the host's shelf."""

    id: int
    """Its number in the catalogue, as `POST /admin/tape/{id}` takes it."""
    title: str


TAPES = (
    Tape(7, "Jazzercise for Two"),
    Tape(12, "Your First Home Computer"),
    Tape(23, "Regional Weather, March 1989"),
    Tape(31, "How to Host a Fondue"),
    Tape(44, "The Puppet Dentist"),
    Tape(58, "Wedding (taped over with monster trucks)"),
    Tape(66, "Learn to Yodel, Volume 3"),
    Tape(71, "Camp Pinewood: A Farewell"),
)


def viewer(name: str, user_id: str | None = None) -> Viewer:
    """Make the viewer of a display name; the same name is always the same user.

    `showtime token` names its bearers by it too, so that a viewer who cheered in a simulation can spend those
    points with a token.
    """
    login = name.lower()
    user_id = user_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, login).int % 10**9)
    # A display name in another script has a login in ASCII.
    return Viewer(id=user_id, login=login if login.isascii() else f"user{user_id}", display_name=name)


def someone(rng: Random) -> Viewer:
    """Draw one of the regulars."""
    return viewer(rng.choice(_REGULARS))


def crowd(rng: Random, size: int) -> tuple[Viewer, ...]:
    """Draw that many different viewers, the regulars first."""
    names = _names(rng)
    return tuple(viewer(next(names)) for _ in range(size))


def _names(rng: Random) -> Iterator[str]:
    yield from rng.sample(_REGULARS, len(_REGULARS))
    newcomers = [first + second for first in _FIRST_HALVES for second in _SECOND_HALVES]
    yield from rng.sample(newcomers, len(newcomers))
    number = 2
    while True:
        yield from (f"{name}{number}" for name in newcomers)
        number += 1
