"""What whoever asks the broadcaster for consent keeps to: to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve, frozen

from showtime_core.errors import NotAllowed, Refused, Unavailable
from showtime_core.ports import Consent

REDIRECT = "http://localhost:3000/consent"


@frozen
class ConsentStage:
    """A broadcaster who is asked for consent to several things, and what may come of it."""

    consent: Consent
    agree: Callable[[str], str]
    """Lets the broadcaster consent at a URL; gives the code that comes of it."""
    type_in: Callable[[], None]
    """Lets whoever is there type in the code of a device."""
    be_somebody_else: Callable[[], None]
    """Lets another consent in place of the broadcaster."""
    withhold_some: Callable[[], None]
    """Lets a part of what is asked for be left out."""
    refuse_devices: Callable[[], None]
    """Lets there be no codes for devices."""
    go_away: Callable[[], None]
    """Lets nobody be answered."""

    def code(self) -> str:
        """Give the code of a consent."""
        return self.agree(self.consent.authorization_url("state", REDIRECT))


class ConsentContract:
    """The rules of `showtime_core.ports.Consent`."""

    async def test_the_url_leads_back(self, stage: ConsentStage) -> None:
        """The URL at which the broadcaster is asked names the state and where the code comes to."""
        url = urlsplit(stage.consent.authorization_url("a&b=c #é", REDIRECT))
        query = parse_qs(url.query)
        assert (query["state"], query["redirect_uri"]) == (["a&b=c #é"], [REDIRECT])
        assert url.netloc

    async def test_the_consent_of_the_broadcaster_is_confirmed_once(self, stage: ConsentStage) -> None:
        """The broadcaster's consent to all of it raises nothing; its code counts once."""
        code = stage.code()
        await stage.consent.confirm(code, REDIRECT)
        for used_or_forged in (code, "forged", ""):
            with pytest.raises(Refused):
                await stage.consent.confirm(used_or_forged, REDIRECT)

    async def test_the_consent_of_another_is_not_allowed(self, stage: ConsentStage) -> None:
        """The consent of anybody but the broadcaster is NotAllowed."""
        stage.be_somebody_else()
        with pytest.raises(NotAllowed):
            await stage.consent.confirm(stage.code(), REDIRECT)

    async def test_a_part_of_it_is_not_allowed(self, stage: ConsentStage) -> None:
        """A consent that lacks a part of what is asked for is NotAllowed."""
        stage.withhold_some()
        with pytest.raises(NotAllowed):
            await stage.consent.confirm(stage.code(), REDIRECT)

    async def test_a_device_code_is_awaited(self, stage: ConsentStage) -> None:
        """A code is awaited until it is typed in, and asked for no more often than it says."""
        device = await stage.consent.start_device_flow()
        pauses = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:  # noqa: PLR2004 - not at once
                stage.type_in()

        await stage.consent.await_device(device, pause)
        assert pauses == [device.poll_seconds] * 3

    async def test_a_device_code_is_not_awaited_for_ever(self, stage: ConsentStage) -> None:
        """A code that is not typed in while it is good is Refused."""
        device = await stage.consent.start_device_flow()
        waited = 0.0

        async def pause(seconds: float) -> None:
            nonlocal waited
            waited += seconds

        with pytest.raises(Refused):
            await stage.consent.await_device(evolve(device, expires_seconds=device.poll_seconds * 4), pause)
        assert waited <= device.poll_seconds * 4

    async def test_what_is_typed_in_by_another_is_not_allowed(self, stage: ConsentStage) -> None:
        """A code that somebody else has typed in is NotAllowed."""
        stage.be_somebody_else()
        stage.type_in()

        async def pause(_: float) -> None:
            pass

        with pytest.raises(NotAllowed):
            await stage.consent.await_device(await stage.consent.start_device_flow(), pause)

    async def test_where_there_are_no_device_codes_it_is_refused(self, stage: ConsentStage) -> None:
        """Where our application is offered no codes for devices it is Refused."""
        stage.refuse_devices()
        with pytest.raises(Refused):
            await stage.consent.start_device_flow()

    async def test_while_twitch_is_away_no_consent_is_refused(self, stage: ConsentStage) -> None:
        """While Twitch is away it is Unavailable: neither refused nor lacking."""
        code = stage.code()
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.consent.confirm(code, REDIRECT)
        with pytest.raises(Unavailable):
            await stage.consent.start_device_flow()
