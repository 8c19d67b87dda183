"""The log tells what happened to which message, and no secret to anybody."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from showtime_app.config import Settings
from support import twitch as t
from support.databases import gone
from support.following import until
from support.server import SECRET, running
from support.twitch_api import twitch_api
from support.twitch_world import OUR_URL

SETTINGS_THAT_ARE_SECRET = {
    name.upper()
    for name, field in Settings.model_fields.items()
    if SecretStr.__name__ in str(field.annotation)
}
NOWHERE = "http://127.0.0.1:9"
NEIGHBOURS = {
    "AUTH_URL": NOWHERE,
    "LEDGER_URL": NOWHERE,
    "OPENAI_BASE_URL": NOWHERE,
    "SPACES_BUCKET_NAME": "ghosts",
    "SPACES_REGION_NAME": "nyc3",
    "SPACES_ENDPOINT_URL": NOWHERE,
}
TOKEN = "a-token-of-the-host-0123456789"
TOO_LONG_FOR_A_KEY = random.Random(7).randbytes(5_000).hex()
FORGED = "sha256=" + "0d" * 32


def secret_of(name: str) -> str:
    return f"Secret-{name.lower().replace('_', '-')}-4711"


def play(url: str, database: str, postgres: str) -> list[str]:
    """Do what a server may have to log, good and bad; returns the answers."""
    secret = secret_of("TWITCH_WEBHOOK_SECRET")
    follow = t.viewer("Zed") | {"user_id": TOO_LONG_FOR_A_KEY, "followed_at": "2026-01-01T00:00:00Z"}
    poison = t.message("channel.follow", follow, secret=secret)
    answers = []
    with httpx.Client(timeout=60, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        twitch = t.Twitch(url, client)
        answers += twitch.send(t.cheer(secret=secret), poison, t.cheer(secret="a-guess-of-mine"))
        answers += twitch.send(
            t.cheer(secret=secret).with_headers(**{"Twitch-Eventsub-Message-Signature": FORGED})
        )
        answers += [client.get(url + path) for path in ("/", "/status", "/readyz", "/metrics", "/nowhere")]
        answers += [client.post(url + "/admin/tape/5"), client.post(url + f"/admin/tape/{TOKEN}")]
        with gone(database, postgres):
            answers += twitch.send(t.cheer(secret=secret))
            answers.append(client.get(url + "/metrics"))
    return [f"{answer.headers} {answer.text}" for answer in answers]


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_no_secret_and_no_token_is_told(migrated, postgres_server, tmp_path, log_format):
    """Whatever happens, at the chattiest level, no secret or token is in a log, an answer or a metric."""
    secrets = {name: secret_of(name) for name in SETTINGS_THAT_ARE_SECRET}
    log = tmp_path / "server.log"
    with twitch_api() as twitch:
        twitch.client_secret = secrets["TWITCH_CLIENT_SECRET"]
        settings = {**twitch.settings, "TWITCH_WEBHOOK_CALLBACK_URL": OUR_URL, "CHAT_SOURCE": "off"}
        settings |= {**secrets, **NEIGHBOURS, "LOG_FORMAT": log_format, "LOG_LEVEL": "debug"}
        settings["DISCORD_GHOSTS_WEBHOOK_URL"] = f"{NOWHERE}/{secrets['DISCORD_GHOSTS_WEBHOOK_URL']}"
        with running(migrated, log, settings=settings) as server:
            answers = play(server.url, migrated, postgres_server.conninfo)
            await until(lambda: twitch.world.challenged, 30)
            server.stop()
    told = "\n".join([log.read_text(), *answers])
    assert "Traceback" in told  # we search where there is something to find
    assert twitch.app_tokens
    assert [word for word in (*secrets.values(), *twitch.app_tokens, TOKEN, FORGED) if word in told] == []


def lines_of(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_every_line_is_one_event_and_names_its_message(migrated, postgres_server, tmp_path):
    """In production each line is a JSON object; it bears the ids of its message and request."""
    refused, lost = t.cheer(secret="a-guess-of-mine"), t.cheer()
    log = tmp_path / "server.log"
    with (
        running(migrated, log, settings={"LOG_FORMAT": "json"}) as server,
        httpx.Client(timeout=60, headers={"x-request-id": "night-7"}) as client,
    ):
        twitch = t.Twitch(server.url, client)
        twitch.send(refused, t.cheer(secret="another-guess-of-mine"))
        with gone(migrated, postgres_server.conninfo):
            twitch.send(lost)
        server.stop()
    lines = lines_of(log)
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)
    assert all(re.fullmatch(r"[\dT:.-]+Z", str(line["timestamp"])) for line in lines)
    about = [
        (str(line["event"]).partition(":")[0], line["message_id"], line.get("request_id"))
        for line in lines
        if "message_id" in line
    ]
    assert about == [
        ("not taken", refused.id, "night-7"),
        ("a batch of 1 was not recorded", lost.id, None),
        ("not taken", lost.id, "night-7"),
    ]


async def test_every_line_about_an_effect_names_it_and_its_message(migrated, tmp_path):
    """Each line about an effect names it and its message, whoever writes it and whatever went wrong."""
    message, log = t.cheer(), tmp_path / "server.log"
    settings = {**NEIGHBOURS, "AUTH_SHARED_SECRET": secret_of("AUTH_SHARED_SECRET"), "LOG_FORMAT": "json"}
    settings = {name: value for name, value in settings.items() if not name.startswith("SPACES")}
    with running(migrated, log, settings=settings) as server, httpx.Client(timeout=60) as client:
        t.Twitch(server.url, client).send(message)
        await until(lambda: "effect_key" in log.read_text())
        server.stop()
    lines = [line for line in lines_of(log) if ":credit-cheer" in json.dumps(line)]
    assert {(line["effect_key"], line["message_id"]) for line in lines} == {
        (f"{message.id}:credit-cheer", message.id)
    }
    assert "try 1: due: the auth service cannot be reached" in str(lines[0]["event"])


async def test_a_person_reads_that_it_is_ready_and_what_it_does(migrated, tmp_path):
    """In words and in order: it listens, it is ready, it credits; and nothing that says less."""
    log = tmp_path / "server.log"
    settings = {"LOG_FORMAT": "text", "LEDGER_URL": "embedded", "CHAT_SOURCE": "off"}
    with running(migrated, log, settings=settings) as server, httpx.Client(timeout=60) as client:
        t.Twitch(server.url, client).send(t.cheer("VHSVera", 200))
        await until(lambda: "credited" in log.read_text())
        server.stop()
    lines = log.read_text().splitlines()
    words = [re.sub(r"^\d\d:\d\d:\d\d (\w+) +", r"\1 ", line) for line in lines]
    listens, ready, credited = (
        next(number for number, line in enumerate(words) if re.fullmatch(pattern, line))
        for pattern in (
            r"showtime showtime listens at http://\S+",
            "showtime showtime is ready",
            "relay credited 200 to VHSVera",
        )
    )
    assert max(listens, ready) < credited
    assert "uvicorn" not in log.read_text().lower()


def logged(script: str, log_format: str = "text") -> list[str]:
    """What stands in the log once these statements were run."""
    start = f"import logging; from showtime_app.logs import configure; configure('{log_format}', 'info')\n"
    ran = subprocess.run([sys.executable, "-c", start + script], capture_output=True, text=True, check=True)
    return ran.stderr.splitlines()


def test_a_line_for_people_is_one_line_whoever_is_quoted():
    """What others have said neither adds a line in a terminal, nor colours or turns one round."""
    [line] = logged(
        "about = {'message_id': 'id\\n\\x1b[31m'}\n"
        "logging.getLogger('showtime_core').warning('quoth %s', 'boo\\nfake\\x1b[2J\\u202e👻', extra=about)"
    )
    assert r"quoth boo\nfake\x1b[2J\u202e👻" in line
    assert "\x1b[2J" not in line
    assert r"id\n\x1b[31m" in line


def test_a_line_for_people_says_when_who_and_what():
    """A line has the time, the part of the service and the words; an id where something is to be done."""
    done, parked = logged(
        "about = {'effect_key': 'e-1:credit-cheer'}\n"
        "log = logging.getLogger('showtime_core.use_cases.dispatch')\n"
        "log.info('credited 200 to VHSVera', extra=about); log.warning('it is parked', extra=about)"
    )
    assert re.fullmatch(r"\d\d:\d\d:\d\d relay +credited 200 to VHSVera", done)
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d relay +warning: it is parked \(effect key e-1:credit-cheer\)", parked
    )


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_rubbish_makes_a_line_a_minute(log_format):
    """What the server says of requests that are none is a line a minute and reason, without its advice."""
    lines = logged(
        "log = logging.getLogger('uvicorn.error')\n"
        "for _ in range(2000):\n"
        "    log.warning('Invalid HTTP request received.')\n"
        "    log.warning('Unsupported upgrade request.')\n"
        "    log.warning('No supported WebSocket library detected. Please install one.')\n"
        "log.error('the server has a fault'); log.error('the server has a fault')",
        log_format,
    )
    said = ["Invalid HTTP request received. (1 since", "Unsupported upgrade request. (1 since"]
    assert [expected in line for expected, line in zip(said, lines, strict=False)] == [True, True]
    assert len(lines) == 4
    assert all("the server has a fault" in line for line in lines[2:])


def test_settings_that_cannot_be_used_are_named_without_their_values(migrated, tmp_path):
    """What is wrong is said by name; a secret that is one character too short is not printed."""
    log = tmp_path / "server.log"
    settings = {"TWITCH_WEBHOOK_SECRET": "too-short", "TWITCH_CLIENT_SECRET": SECRET, "LISTEN_PORT": "five"}
    with pytest.raises(AssertionError), running(migrated, log, settings=settings):
        pass
    told = log.read_text()
    assert all(name in told for name in ("TWITCH_WEBHOOK_SECRET", "LISTEN_PORT"))
    assert [value for value in settings.values() if value in told] == []


def test_lines_are_for_people_in_a_terminal_and_for_machines_elsewhere():
    """Log lines are for people in a terminal and for machines elsewhere, unless the settings say which."""
    script = (
        "import logging; from showtime_app.logs import configure; configure('auto', 'info')\n"
        "logging.getLogger('showtime').info('rewound')"
    )
    ours, terminal = os.openpty()
    subprocess.run([sys.executable, "-c", script], stderr=terminal, check=True)
    assert not os.read(ours, 1000).startswith(b"{")
    os.close(ours)
    os.close(terminal)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(ran.stderr)["event"] == "rewound"
