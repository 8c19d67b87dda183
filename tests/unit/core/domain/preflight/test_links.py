"""What is said of a link: what was tried, what to do, and what goes on without it."""

from datetime import UTC, datetime

from showtime_core.domain.preflight.links import (
    ABOUT,
    Finding,
    Link,
    LinkResult,
    LinkState,
    explain_remedy,
    explain_without,
    off,
)

NOW = datetime(2026, 10, 30, 20, tzinfo=UTC)


def test_every_link_can_be_explained():
    """Of every link it can be said what is tried, what to do, and what goes on without it."""
    assert set(ABOUT) == set(Link)


def test_what_is_well_needs_no_remedy():
    """A link that has not failed is told without a remedy, unless the finding has one, and goes on."""
    for finding in (Finding(LinkState.OK, "it works"), off("it is not set")):
        result = LinkResult(Link.DISCORD, finding, NOW, 1)
        assert (explain_remedy(result), explain_without(result)) == (None, None)


def test_what_has_failed_is_told_with_a_remedy():
    """A link that has failed is told with what to do: the finding's own, or else what is usual."""
    result = LinkResult(Link.DISCORD, Finding(LinkState.FAILED, "404"), NOW, 1)
    assert explain_remedy(result) == ABOUT[Link.DISCORD].remedy
    assert explain_without(result) == ABOUT[Link.DISCORD].goes_on
    own = LinkResult(Link.DISCORD, Finding(LinkState.FAILED, "404", "wait"), NOW, 1)
    assert explain_remedy(own) == "wait"
