"""Rules of a kind are within bounds, and have defaults."""

import pytest

from showtime_core.domain.show.kind_rules import InSafeMode, KindRule, default_rule
from showtime_core.errors import Refused


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"seconds": 0.4}, "seconds must be 0.5 to 120"),
        ({"seconds": 120.1}, "seconds must be 0.5 to 120"),
        ({"seconds": float("nan")}, "seconds must be 0.5 to 120"),
        ({"min_bits": 0}, "min bits must be 1 to"),
    ],
)
def test_what_is_out_of_bounds_is_refused(given, reason):
    """A rule that nobody could mean is refused with its bounds."""
    with pytest.raises(Refused, match=reason):
        KindRule(**given)


def test_a_kind_that_has_no_rule_plays_as_before():
    """By default everything is shown, one after the other; in safe mode follows and raids are joined."""
    kinds = ("follow", "raid", "cheer", "subscribe", "gift-sub", "generated-images", "hype-train", "other")
    rules = {kind: default_rule(kind) for kind in kinds}
    assert {(rule.if_busy, rule.min_bits, rule.is_joined) for rule in rules.values()} == {("queue", 1, False)}
    joined = {kind for kind, rule in rules.items() if rule.in_safe_mode is InSafeMode.JOIN}
    assert joined == {"follow", "raid"}


@pytest.mark.parametrize("is_safe", [True, False])
def test_safe_mode_changes_what_its_rule_says(is_safe):
    """A kind is joined or dropped by safe mode only where its rule says so."""
    assert KindRule(in_safe_mode=InSafeMode.JOIN).joins(is_safe=is_safe) is is_safe
    assert KindRule(in_safe_mode=InSafeMode.DROP).drops(is_safe=is_safe) is is_safe
    assert KindRule(is_joined=True).joins(is_safe=is_safe)
    assert not KindRule().drops(is_safe=is_safe)
