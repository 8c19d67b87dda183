"""The files in `deploy/` fit the code."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from showtime_app import config, server
from showtime_app.config import Settings
from showtime_app.metrics import Metrics
from showtime_core.use_cases import dispatch

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "showtime@.service"
TEMPLATE = DEPLOY / "showtime.env"
NAMED = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)
METRIC = re.compile(r"showtime_[a-z_]+(?=[{\[\s\")=>])")
SET = re.compile(r"^([A-Z_]+)=", re.MULTILINE)


def test_every_setting_of_the_template_is_one():
    """A name that nobody reads would be set in vain."""
    assert {name.lower() for name in NAMED.findall(TEMPLATE.read_text())} <= Settings.model_fields.keys()


def test_the_template_asks_for_what_is_required_and_for_nothing_else(tmp_path, monkeypatch):
    """With what stands there, and a secret, `serve` begins: a database is named, and all the rest is off."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    text = TEMPLATE.read_text()
    assert SET.findall(text) == ["PGHOST", "PGDATABASE", "PGUSER", "TWITCH_WEBHOOK_SECRET"]
    secret = "a-secret-of-twitch"
    filled = text.replace("TWITCH_WEBHOOK_SECRET=\n", f"TWITCH_WEBHOOK_SECRET={secret}\n")
    Path(".env").write_text(filled)
    settings = config.load()
    assert settings.has_database
    assert settings.webhook_secrets == (secret,)
    assert not settings.twitch_app


def test_the_template_names_whole_groups(tmp_path, monkeypatch):
    """Whoever fills in everything has settings that can be used."""
    monkeypatch.chdir(tmp_path)
    names = {"TWITCH_CHANNEL_NAME": "GoldenVCR", "SPACES_BUCKET_NAME": "ghosts"}
    lines = [line.removeprefix("#") for line in TEMPLATE.read_text().splitlines() if NAMED.match(line)]
    filled = [
        f"{line}{names.get(line[:-1]) or 'https://' + line[:-1].lower()}" if line.endswith("=") else line
        for line in lines
    ]
    Path(".env").write_text("\n".join(filled))
    settings = config.load()
    assert settings.twitch_app
    assert settings.spaces_secret_key


def test_the_drop_in_of_a_relay_sets_a_role_that_there_is(monkeypatch, tmp_path):
    """The drop-in gives an instance the role by which effects alone are performed, whatever .env says."""
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("INSTANCE_ROLE=web\nPGHOST=db\nTWITCH_WEBHOOK_SECRET=a-secret-of-twitch\n")
    [line] = re.findall(r"^Environment=(.+)$", (DEPLOY / "showtime-relay.conf").read_text(), re.MULTILINE)
    monkeypatch.setenv(*line.split("="))
    assert config.load().instance_role == "relay"


def unit() -> dict[str, str]:
    """What the unit says, each name once."""
    pairs = [line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"\w+=", line)]
    return {name: value for name, value in pairs if name != "SystemCallFilter"}


def test_the_unit_gives_the_service_time_to_stop():
    """It is not killed while it stops in due form: requests under way, then effects, in twice the time."""
    seconds = float(unit()["TimeoutStopSec"].removesuffix("s"))
    assert seconds >= 2 * (server.GRACEFUL_SECONDS + dispatch.DRAIN_SECONDS)


@pytest.mark.process
def test_the_unit_is_one_that_systemd_understands(require_tool, tmp_path):
    """Systemd finds nothing to complain of, and calls the service well shut off."""
    analyze = require_tool("systemd")
    here = Path(sys.executable).with_name("showtime")
    text = UNIT.read_text().replace("/opt/showtime/current/bin/showtime", str(here))
    assert str(here) in text
    (tmp_path / UNIT.name).write_text(text)
    for command in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=20", "--no-pager"]):
        said = subprocess.run(
            [analyze, *command, tmp_path / UNIT.name], capture_output=True, text=True, check=False, timeout=60
        )
        assert said.returncode == 0, said.stdout + said.stderr
        assert UNIT.name not in said.stderr, said.stderr


@pytest.fixture
def dockerfile() -> list[list[str]]:
    """Give the instructions, each as its words."""
    lines = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", "")
    return [shlex.split(line) for line in lines.splitlines() if line]


def test_the_image_is_made_of_what_is_there(dockerfile):
    """All that is copied exists, and nothing that is kept out of the context is."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {
        source
        for name, *words in dockerfile
        if name == "COPY" and not words[0].startswith("--from")
        for source in words[:-1]
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_runs_as_nobody_and_installs_what_is_locked(dockerfile):
    """The last stage has a user that is not root, and runs nothing while it is made."""
    stages = [number for number, (name, *_) in enumerate(dockerfile) if name == "FROM"]
    last = dockerfile[stages[-1] :]
    assert not [words for words in last if words[0] == "RUN"]
    [[_, user]] = [words for words in last if words[0] == "USER"]
    assert 0 not in map(int, user.split(":"))
    installs = [words for words in dockerfile if words[0] == "RUN" and "install" in words]
    assert all("--require-hashes" in words or "--no-deps" in words for words in installs)


def test_what_the_image_is_told_are_settings(dockerfile):
    """A name in the environment that is written in capitals without a prefix of another program is ours."""
    names = {word.partition("=")[0] for name, *words in dockerfile if name == "ENV" for word in words}
    ours = {name for name in names if not name.startswith(("PIP_", "PYTHON", "PATH"))}
    assert ours
    assert {name.lower() for name in ours} <= Settings.model_fields.keys()


@pytest.mark.process
def test_alerts_fire_where_they_should(require_tool):
    """Prometheus understands the rules, and each fires in trouble, and none while all is well."""
    promtool = require_tool("prometheus")
    for command in (
        ["check", "rules", "prometheus-alerts.yml"],
        ["test", "rules", "prometheus-alerts.test.yml"],
    ):
        said = subprocess.run([promtool, *command], cwd=DEPLOY, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    "name", ["prometheus-alerts.yml", "prometheus-alerts.test.yml", "grafana-dashboard.json"]
)
def test_what_is_watched_is_measured(name):
    """Rules and dashboard name no metric that the service does not have."""
    families = {family.name for family in Metrics().registry.collect()}
    known = {f"{family}{end}" for family in families for end in ("", "_total", "_bucket", "_count")}
    named = set(METRIC.findall((DEPLOY / name).read_text()))
    assert named
    assert named - known == set()


def test_every_alert_is_explained():
    """Each alert has a row in the docs that says what it means and what to do, and there are no others."""
    alerts = re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus-alerts.yml").read_text())
    rows = re.findall(
        r"^\| `(Showtime\w+)` \| .+ \| .+ \|$", (ROOT / "docs/how-to/watch-it.md").read_text(), re.MULTILINE
    )
    assert rows == alerts


def test_the_dashboard_is_one():
    """Every panel has a place of its own on the 24 columns of Grafana, and asks the source that is chosen."""
    panels = json.loads((DEPLOY / "grafana-dashboard.json").read_text())["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {"${source}"}
