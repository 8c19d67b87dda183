"""What may stand in a setting: what would be unsafe is refused, by name and without its value."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from showtime_app.config import ConfigurationError, Settings, load, misspelt
from showtime_app.setting_sources import find_given
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits
from support.in_process import run_here

MISTAKES = tomllib.loads(Path(__file__).with_name("setting_mistakes.toml").read_text("utf-8"))["settings"]
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

    def configured(settings, **options):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return load(**options)

    return configured


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["about"])
def test_every_mistake_is_told_in_words_with_the_remedy_and_all_at_once(mistake, configure):
    """What is wrong with settings is one line each, all of them at once, and no value is repeated."""
    for name, content in mistake.get("files", {}).items():
        Path(name).write_bytes(content.encode(mistake.get("encoding", "utf-8")))
    given = mistake.get("env", {})
    with pytest.raises(ConfigurationError) as problem:
        configure(given, for_serve=mistake.get("for_serve", False))
    assert str(problem.value).splitlines() == mistake["said"].splitlines()
    assert not [value for value in given.values() if len(value) > 6 and value in str(problem.value)]


def test_only_settings_have_words_of_their_own():
    """No setting is described that is none."""
    words = tomllib.loads((files("showtime_app") / "setting_words.toml").read_text("utf-8"))
    assert words.keys() <= Settings.model_fields.keys()


def test_a_file_that_cannot_be_read_is_a_line_among_the_others(configure):
    """What is in the way of `.env` is told, with all that is wrong with the environment."""
    Path(".env").mkdir()
    with pytest.raises(ConfigurationError) as problem:
        configure({"LISTEN_PORT": "five"})
    unreadable, port = str(problem.value).splitlines()
    assert unreadable.startswith(".env cannot be read (")
    assert port == "LISTEN_PORT: must be a whole number from 0 to 65535"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "https://goldenvcr.com,"),
        ("CORS_ALLOWED_ORIGINS", "https://goldenvcr.com, http://localhost:5173,https://*.ext-twitch.tv"),
        ("CORS_ALLOWED_ORIGINS", "https://id.ext-twitch.tv,moz-extension://0f4e"),
        ("TWITCH_WEBHOOK_CALLBACK_URL", "https://goldenvcr.com/api/showtime/callback"),
        ("TWITCH_WEBHOOK_CALLBACK_URL", "https://example.com:443/callback"),
        ("TWITCH_EXTENSION_CLIENT_ID", "of-the-predecessor"),
        ("PGSSLMODE", "verify-full"),
        ("PGHOST", "/var/run/postgresql"),
    ],
)
def test_what_production_has_is_not_refused(configure, name, value):
    """What works is taken as it is, and settings that only the predecessor had are passed over."""
    configure(TWITCH | {name: value})


def test_a_name_beside_a_setting_is_warned_of(configure, monkeypatch):
    """A name that is nearly a setting's is told with that setting's, and no other name is."""
    Path(".env").write_text("LISTEN_PROT=80\nPGHSOT=db\nTWITCH_EXTENSION_CLIENT_ID=x\n")
    for name in ("USER", "PGHOSTADDR", "PGSSLROOTCERT", "LOG_LEVLE", "HOME", "PATH"):
        monkeypatch.setenv(name, "1")
    configure({})
    assert list(misspelt(find_given(Settings.model_fields))) == [
        "LISTEN_PROT (.env) is no setting, and ignored: did you mean LISTEN_PORT?",
        "PGHSOT (.env) is no setting, and ignored: did you mean PGHOST?",
        "LOG_LEVLE (environment) is no setting, and ignored: did you mean LOG_LEVEL?",
    ]


def test_what_is_in_force_is_printed_with_its_origin_and_without_secrets(tmp_path):
    """Each setting is printed with its value and where that comes from; of a secret only that it is there."""
    (tmp_path / ".env").write_text(
        f"LISTEN_PORT=5009\nLOG_LEVEL=debug\nTWITCH_WEBHOOK_SECRET={'r' * 12},{'s' * 12}\n"
    )
    ran = run_here("settings", names={"LISTEN_PORT": "5010", "LOG_FORMAT": ""}, folder=tmp_path)
    shown = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}
    assert (ran.returncode, shown.keys()) == (0, {name.upper() for name in Settings.model_fields})
    expected = {
        "LISTEN_PORT": ["environment", "5010"],
        "LOG_LEVEL": [".env", "debug"],
        "LOG_FORMAT": ["default", "auto"],
        "TWITCH_WEBHOOK_SECRET": [".env", "●●●,●●●"],
        "TWITCH_CLIENT_ID": ["default", "-"],
    }
    assert {name: shown[name] for name in expected} == expected


def test_a_warning_of_a_name_is_a_line_of_the_log_where_there_is_one(tmp_path):
    """Commands print the warning; the service, whose lines machines read, writes it to the log."""
    names = {"LISTEN_PROT": "80", "PGHOST": "elsewhere.example.com", "LOG_FORMAT": "json"}
    assert "Warning: LISTEN_PROT (environment)" in run_here("settings", names=names, folder=tmp_path).stderr
    with_log = run_here("dev", names=names, folder=tmp_path).stderr.splitlines()
    assert json.loads(with_log[0])["event"].startswith("LISTEN_PROT (environment) is no setting")
    assert json.loads(with_log[0])["level"] == "warning"


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
