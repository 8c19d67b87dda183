"""What every store of the secrets of overlays and hotkeys keeps to: to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

from uuid import UUID

import pytest

from showtime_core.domain.show.show_secrets import SecretKind, ShowSecret
from showtime_core.errors import NotFound
from showtime_core.ports import ShowSecrets

OVERLAY = ShowSecret(UUID(int=2), SecretKind.OVERLAY, "the studio's OBS")
HOTKEY = ShowSecret(UUID(int=1), SecretKind.HOTKEY, "the red button")


class ShowSecretsContract:
    """The rules of `showtime_core.ports.ShowSecrets`; the fixture `stores` gives two instances of one."""

    async def test_a_secret_is_found_by_its_digest(self, stores: tuple[ShowSecrets, ShowSecrets]) -> None:
        """A secret is found on every instance by its whole digest, as it was answered when it was added."""
        one, other = stores
        assert OVERLAY.made_at is None
        kept = await one.add(OVERLAY, b"digest")
        assert kept.made_at is not None
        assert (kept.id, kept.kind, kept.name) == (OVERLAY.id, OVERLAY.kind, OVERLAY.name)
        assert await other.find(b"digest") == kept
        assert [await other.find(wrong) for wrong in (b"", b"diges", b"digest ", b"DIGEST")] == [None] * 4

    async def test_secrets_are_listed_in_their_order(self, stores: tuple[ShowSecrets, ShowSecrets]) -> None:
        """The secrets of all instances are listed, the oldest first; at first there are none."""
        one, other = stores
        assert list(await one.list_all()) == []
        added = [await one.add(OVERLAY, b"a"), await other.add(HOTKEY, b"b")]
        assert list(await one.list_all()) == list(await other.list_all()) == added

    async def test_a_secret_that_is_withdrawn_holds_nowhere(
        self, stores: tuple[ShowSecrets, ShowSecrets]
    ) -> None:
        """A withdrawn secret is neither found nor listed on any instance; the others hold on."""
        one, other = stores
        await one.add(OVERLAY, b"a")
        kept = await one.add(HOTKEY, b"b")
        await other.withdraw(OVERLAY.id)
        assert await one.find(b"a") is None
        assert await one.find(b"b") == kept
        assert list(await one.list_all()) == [kept]

    async def test_what_is_not_there_cannot_be_withdrawn(
        self, stores: tuple[ShowSecrets, ShowSecrets]
    ) -> None:
        """To withdraw a secret that nobody has added, or that was withdrawn, raises NotFound."""
        one, other = stores
        await one.add(OVERLAY, b"a")
        with pytest.raises(NotFound):
            await other.withdraw(HOTKEY.id)
        await one.withdraw(OVERLAY.id)
        with pytest.raises(NotFound):
            await other.withdraw(OVERLAY.id)
