"""The summary of a night for Discord: short, and harmless whatever viewers typed."""

import re

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.nights.marks import in_one_line
from showtime_core.domain.nights.summary import MAX_SUMMARY, discord_summary, harmless
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.entries import BOB, LARRY, MARGE, at, offline, online
from showtime_core.testing.strategies import entry, texts
from support.looked_back import EVENINGS, one_played, played

NIGHT = [
    online("41", 0),
    entry("f", ev.Follow(MARGE, at(5)), at(5)),
    entry("c", ev.Cheer(LARRY, 1200, ""), at(6)),
    entry("s", ev.SubscriptionStart(BOB, "1000", is_gift=False, sent_at=at(7)), at(7)),
    entry("g", ev.GiftedSubscriptions(MARGE, "1000", 50), at(8)),
    entry("r", ev.Raid(BOB, 80), at(9)),
    entry("ghost:1", ev.GhostPaid(MARGE, "a walrus", "https://g.example.com/1.jpg"), at(10)),
    offline(90, "41"),
    online("42", 95),
    offline(182, "42"),
]


async def test_a_night_is_summed_up():
    """A summary says when, how long, what was on and who came; Discord shows times by the reader's clock."""
    night = evolve(await one_played(NIGHT, [(1, 31), (60, 80)]), vod_url="https://vods.example.com/1?a=@here")
    assert discord_summary(night).split("\n") == [
        "**Night 1**, <t:1793390400:D> from <t:1793390400:t>: 3 h 2 min",
        "Tapes: 31, 80",
        "Follows: 1",
        "Bits: 1,200",
        "Subs: 1",
        "Gift subs: 50",
        "Raids: BetamaxBob (80)",
        "Loudest: レーザーラリー (1,200 bits)",
        "Kindest: Marge\\_on\\_Mute (50 gift subs)",
        "Ghosts: 1",
        "- a walrus, for Marge\\_on\\_Mute",
        "Drop-outs: 1 (5 min)",
        "3 viewers took part.",
        "Recording: <https://vods.example.com/1?a=%40here>",
        "Thank you. Please rewind.",
    ]


async def test_what_had_no_room_is_said():
    """A night of which more could be told than Discord takes says how many lines are left out."""
    night = await one_played(NIGHT)
    ghost = next(one for one in night.moments if one.kind == "ghost")
    crowd = tuple(
        evolve(ghost, words=f"{'*' * 70}{number}", username="_" * 40, viewer_id=str(number))
        for number in range(40)
    )
    summary = discord_summary(evolve(night, moments=crowd))
    assert MAX_SUMMARY - 250 < len(summary.encode("utf-16-le")) / 2 <= MAX_SUMMARY
    assert re.search(r"\n…and \d+ lines more, for which there was no room\.$", summary)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("@everyone", "@\u200beveryone"),
        ("<@123> <#4> <:kappa:1>", "<\u200b@\u200b123\\>"),
        ("**bold** `code` ~~no~~ ||what||", "\\*\\*bold\\*\\* \\`code\\` \\~\\~no\\~\\~ \\|\\|what\\|\\|"),
        ("[here](https://evil.example)", "\\[here\\]\\(https:\u200b/\u200b/\u200bevil.\u200bexample\\)"),
        ("discord.gg/abc", "discord.\u200bgg/\u200babc"),
        ("a\n# b\r\n> c", "a \\#\u200b b \\> c"),
    ],
)
def test_what_viewers_typed_means_nothing_to_discord(typed, shown):
    """Mentions, links, invitations, formats and new lines are shown as they were typed, and do nothing."""
    assert harmless(typed, 80).startswith(shown)


PINGS = re.compile(r"@(?:everyone|here)|<@|<#|<:|</|://|discord\.gg/", re.IGNORECASE)
BAIT = st.sampled_from(
    ["@everyone", "@here", "<@1>", "<@&2>", "https://a.b", "discord.gg/x", "*", "\n", "\\"]
)


@given(parts=st.lists(st.one_of(BAIT, texts()), max_size=8), most=st.integers(1, 99))
def test_nothing_that_is_typed_pings(parts, most):
    """However bait is put together, even by what is taken out of it, nothing is left that Discord acts on."""
    typed = "".join(parts)
    shown = harmless(typed, most)
    assert not PINGS.search(shown)
    assert re.fullmatch(r"(?:\\[\\*_~`|#>()\[\]-]|[^\\*_~`|#>()\[\]\n-])*", shown)
    assert re.sub(r"\\(.)", r"\1", shown.replace("\u200b", "")) == in_one_line(typed, most)


@settings(max_examples=settings.default.max_examples // 3)
@given(evening=EVENINGS, name=texts())
async def test_a_summary_fits_into_a_message(evening, name):
    """Whatever happened on a night, its summary is no longer than a message may be, and pings nobody."""
    raids = [entry(f"r{n}", ev.Raid(Viewer(str(n), "a", f"@everyone{name}"), n), at(n)) for n in range(1, 40)]
    for night in await played([online("41", 0), *raids, *evening]):
        summary = discord_summary(night)
        assert len(summary.encode("utf-16-le")) / 2 <= MAX_SUMMARY
        assert not re.search(r"@(everyone|here)|<@", summary)
