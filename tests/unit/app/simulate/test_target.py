"""Where simulated messages go, and where they must not."""

import pytest

from showtime_app.dev_file import DevFile
from showtime_app.simulate.sections import pick
from showtime_app.simulate.target import PLACEHOLDER, NoTargetError, TargetOptions, find, require_loopback

NOTE = DevFile("http://127.0.0.1:5001", "the secret of dev", "the token secret of dev")
URL = "http://127.0.0.1:6001/hooks/callback"
ENVIRONMENT = {"TWITCH_WEBHOOK_SECRET": "the first secret, the second secret"}


@pytest.fixture
def data_dir(tmp_path):
    NOTE.write(tmp_path)
    return tmp_path


def test_the_note_of_dev_is_enough(data_dir):
    """With a local server running, nothing needs to be said."""
    found = find(TargetOptions(data_dir=data_dir), {})
    assert (found.address.url, found.address.secret) == (
        "http://127.0.0.1:5001/callback",
        "the secret of dev",
    )
    assert found.base == "http://127.0.0.1:5001"
    assert found.token_secret == "the token secret of dev"


def test_option_then_environment_then_note(data_dir):
    """An option is stronger than the environment, and that than the note; the first secret signs."""
    assert find(TargetOptions(data_dir=data_dir), ENVIRONMENT).address.secret == "the first secret"
    options = TargetOptions(url=URL, secret="the option's secret", data_dir=data_dir)
    found = find(options, ENVIRONMENT)
    assert (found.address.url, found.address.secret) == (URL, "the option's secret")
    assert found.base == "http://127.0.0.1:6001/hooks"


def test_tokens_of_dev_go_to_dev_only(data_dir):
    """A server elsewhere is not given tokens that are signed with the local secret."""
    assert find(TargetOptions(url=URL, data_dir=data_dir), {}).token_secret is None
    same = TargetOptions(url="http://127.0.0.1:5001/callback", data_dir=data_dir)
    assert find(same, {}).token_secret == "the token secret of dev"


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({}, "showtime dev"),
        ({"url": URL}, "TWITCH_WEBHOOK_SECRET"),
        ({"url": URL, "secret": "short"}, "10 to 100"),
        ({"url": "localhost:5001", "secret": "long enough"}, "no URL"),
        ({"url": "http://127.0.0.1:99999999", "secret": "long enough"}, "no URL"),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(tmp_path, options, remedy):
    """Without a server, a secret or a sensible URL, the error says what to do."""
    with pytest.raises(NoTargetError, match=remedy):
        find(TargetOptions(data_dir=tmp_path, **options), {})


def test_no_config_looks_at_options_alone(data_dir):
    """With --no-config neither the environment nor the note of dev is used."""
    with pytest.raises(NoTargetError):
        find(TargetOptions(data_dir=data_dir, no_config=True), ENVIRONMENT)


def test_a_dry_run_needs_no_server(tmp_path):
    """A placeholder stands in where nothing is known."""
    assert find(TargetOptions(data_dir=tmp_path), {}, PLACEHOLDER).address == PLACEHOLDER


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "[::1]", "localhost", "[::ffff:127.0.0.1]"])
def test_loopback_is_allowed(host):
    """Every way to name this machine is allowed."""
    require_loopback(f"http://{host}:5001/callback")


@pytest.mark.parametrize(
    "host",
    ["192.0.2.7", "[2001:db8::1]", "0.0.0.0", "[::ffff:192.0.2.7]", "nowhere.invalid", "127.0.0.1.invalid"],
)
def test_all_else_is_refused(host):
    """Another machine, or a name that nobody knows, is refused."""
    with pytest.raises(NoTargetError):
        require_loopback(f"http://{host}:5001/callback")


def test_one_address_elsewhere_is_one_too_many():
    """A name that means this machine and another one is refused."""
    with pytest.raises(NoTargetError, match="--allow-remote"):
        require_loopback("http://studio:5001/callback", lambda _: {"127.0.0.1", "192.0.2.7"})


def test_secrets_stay_out_of_representations(data_dir):
    """Nobody who prints a target, or the options of one, reads its secrets."""
    options = pick(TargetOptions, {"url": URL, "secret": "the option's secret", "data_dir": data_dir})
    assert "secret" not in repr(find(options, {}))
    assert "the option's secret" not in repr(options)
