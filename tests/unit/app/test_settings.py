"""What may stand in a setting: what would be unsafe is refused, by name and without its value."""

import pytest

from showtime_app.config import ConfigurationError, Settings, load
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits

TWITCH = {
    "TWITCH_CHANNEL_NAME": "goldenvcr",
    "TWITCH_CLIENT_ID": "id",
    "TWITCH_CLIENT_SECRET": "s3cret-of-the-app",
}


@pytest.fixture
def configure(monkeypatch, tmp_path):
    """Have these settings, and no others."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def configured(settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return load()

    return configured


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("TWITCH_API_URL", "http://api.twitch.tv/helix", "secrets go there"),
        ("TWITCH_AUTH_URL", "http://localhost.example.com", "secrets go there"),
        ("TWITCH_AUTH_URL", "http://127.0.0.1@example.com", "host, port and path alone"),
        ("TWITCH_AUTH_URL", "file:///etc/passwd", "http:// or https://"),
        ("TWITCH_WEBHOOK_CALLBACK_URL", "https://example.com/callback?x=1", "host, port and path alone"),
        ("TWITCH_IRC_URL", "ircs://irc.example.com/#channel", "ircs:// or irc://"),
        ("TWITCH_WEBHOOK_SECRET", "too-short", "10 to 100 ASCII"),
        ("TWITCH_WEBHOOK_SECRET", "long-enough,", "10 to 100 ASCII"),
        ("TWITCH_WEBHOOK_SECRET", "rückspulen-bitte", "10 to 100 ASCII"),
        ("TWITCH_WEBHOOK_SECRET", TWITCH["TWITCH_CLIENT_SECRET"], "must not hold the value"),
        ("TWITCH_CHANNEL_NAME", "golden\r\nJOIN #other", "TWITCH_CHANNEL_NAME"),
        ("TRUSTED_PROXIES", "10.0.0.0/24,everybody", "addresses or networks"),
        ("MAX_STREAMS", "0", "greater than or equal to 1"),
        ("MAX_WAITING_GHOSTS", "0", "greater than or equal to 1"),
        ("MAX_GHOSTS_PER_DAY", "many", "should be 'none'"),
    ],
)
def test_what_would_be_unsafe_is_refused(configure, name, value, why):
    """Each says what it must be instead; no value is repeated."""
    with pytest.raises(ConfigurationError, match=name) as problem:
        configure(TWITCH | {name: value})
    assert why in str(problem.value)
    assert value not in str(problem.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]"])
def test_this_machine_may_be_spoken_to_in_the_clear(configure, host):
    """Where nobody is in between, there is nothing to hide from anybody."""
    assert configure(TWITCH | {"TWITCH_API_URL": f"http://{host}/helix"}).twitch_api_url.startswith("http://")


@pytest.mark.parametrize(
    ("settings", "limits"),
    [
        ({}, GhostLimits(waiting=10, painted=200)),
        ({"MAX_WAITING_GHOSTS": "1", "MAX_GHOSTS_PER_DAY": "none"}, GhostLimits(waiting=1)),
        ({"MAX_WAITING_GHOSTS": "none", "MAX_GHOSTS_PER_DAY": "50"}, GhostLimits(painted=50)),
    ],
)
def test_the_limits_of_ghosts_may_be_none(configure, settings, limits):
    """What is not set has a limit, since each image costs money: that there is none must be said."""
    assert configure(settings).ghost_limits == limits
