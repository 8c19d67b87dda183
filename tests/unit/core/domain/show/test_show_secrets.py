"""Secrets of overlays and hotkeys."""

from uuid import UUID

import pytest

from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret, kind_of, spell_secret
from showtime_core.errors import Refused
from showtime_core.texts import digest_of


@pytest.mark.parametrize("kind", list(SecretKind))
def test_a_secret_tells_its_kind(kind):
    """What a secret is for is seen from its beginning, and what is none is known as none."""
    assert kind_of(spell_secret(kind, "Zk3-_")) is kind
    assert kind_of("eyJhbGciOi") is None
    assert kind_of(kind) is None


def test_what_is_kept_of_a_secret_does_not_tell_it():
    """Two secrets have two digests, which are not the secrets."""
    assert digest_of("overlay_a") != digest_of("overlay_b")
    assert b"overlay_a" not in digest_of("overlay_a")


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_secret_has_a_name(name):
    """A secret is named for people, in 1 to 60 characters."""
    with pytest.raises(Refused, match="the name must have 1 to 60 characters"):
        ShowSecret(UUID(int=1), SecretKind.OVERLAY, name)
    assert ShowSecret(UUID(int=1), SecretKind.OVERLAY, " OBS ").name == "OBS"
