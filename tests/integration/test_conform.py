"""`showtime conform`: it finds what is wrong with a receiver, and nothing that is not."""

import hashlib
import hmac
import json
import os
import sys
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree as ET

import pytest

from showtime_app.conform import judge
from support import shared
from support.in_process import run_here
from support.server import SECRET

database = shared.database
server = shared.server

QUICK = [
    "revocation",
    "challenge*",
    "signature*",
    "unknown*",
    "*-minutes-*",
    "body-*",
    "text-of-*",
    "in-two-*",
    "duplicate",
]
"""What takes no time; the rest too is tried on ours, on one that is right, and on one that believes all."""
OF_ITS_FRAME = {"chunked", "half-a-megabyte"}
"""What the frame of these receivers does not bear, whatever they do themselves."""


class Simple(BaseHTTPRequestHandler):
    """A receiver as a beginner writes it well; `fault` is what this one gets wrong."""

    protocol_version = "HTTP/1.1"
    fault = ""
    seen: set[str]
    revoked: set[str]
    log = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, answer = self.judge(body)
        self.send_response(status)
        self.send_header("content-type", "text/html" if self.fault == "html" else "text/plain")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def judge(self, body):
        headers, name = self.headers, "twitch-eventsub-message-"
        message_id, time = headers.get(f"{name}id", ""), headers.get(f"{name}timestamp", "")
        signed = message_id.encode() + time.encode() + body
        if self.fault == "read again":
            with suppress(ValueError, RecursionError):
                signed = message_id.encode() + time.encode() + json.dumps(json.loads(body)).encode()
        right = "sha256=" + hmac.digest(SECRET.encode(), signed, hashlib.sha256).hex()
        given = headers.get(f"{name}signature", "")
        is_good = given == right or self.fault == "credulous" or (self.fault == "without" and not given)
        if not is_good:
            return 403, b""
        age = datetime.now(UTC) - datetime.fromisoformat(f"{time[:19]}+00:00")
        if abs(age) > timedelta(minutes=10) and self.fault != "timeless":
            return 403, b""
        try:
            message = json.loads(body)
            kind = headers[f"{name}type"]
            if kind == "webhook_callback_verification":
                return 200, message["challenge"].encode() + (b"\n" if self.fault == "newline" else b"")
            known = message["subscription"]["type"] in {"channel.follow", "channel.cheer"}
        except (ValueError, KeyError, TypeError, RecursionError):
            return 400, b""
        if not known and self.fault == "closed":
            return 500, b""
        return (204 if self.take(kind, message_id, message["subscription"]["id"], known) else 400), b""

    def take(self, kind, message_id, subscription, known):
        """Write down what is to be handled; false: it is refused."""
        if kind == "revocation":
            self.revoked.add(subscription)
            return True
        is_again = message_id in self.seen
        self.seen.add(message_id)
        is_wanted = known and subscription not in self.revoked and self.fault != "losing"
        if is_wanted and (not is_again or self.fault == "doubling"):
            with self.log.open("a") as log:
                log.write(f"{message_id}\n")
        return not (is_again and self.fault == "stern")

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def receiver(fault, log):
    handler = type("Receiver", (Simple,), {"fault": fault, "seen": set(), "revoked": set(), "log": log})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as frame:
        threading.Thread(target=frame.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{frame.server_address[1]}/"
        frame.shutdown()


def conform(url, folder, *options):
    path = {"PATH": os.environ["PATH"]}
    return run_here("conform", url, "--secret", SECRET, *options, names=path, folder=folder)


def failed(file):
    return {v["name"] for v in json.loads(file.read_text())["verdicts"] if v["outcome"] == "failed"}


@pytest.mark.parametrize(
    ("fault", "found", "code"),
    [
        ("html", {"challenge-type"}, 0),
        ("newline", {"challenge", "challenge-long", "challenge-marks", "challenge-length"}, 1),
        ("without", {"signature-missing"}, 1),
        ("read again", {"body-to-the-byte", "text-of-the-world"}, 1),
        ("timeless", {"ten-minutes-old", "ten-minutes-ahead"}, 0),
        ("closed", {"unknown-type"}, 0),
        ("doubling", {"handled-once"}, 0),
        ("losing", {"handled-all"}, 1),
        ("stern", {"duplicate"}, 0),
    ],
)
def test_each_fault_is_found_and_nothing_else(tmp_path, monkeypatch, fault, found, code):
    """A receiver with one fault fails what tries it; it ends with 1 where Twitch requires what is missing."""
    log, verdicts = tmp_path / "handled.log", tmp_path / "verdicts.json"
    log.touch()
    monkeypatch.setattr(judge, "SETTLE_SECONDS", 0.0)
    quick = [f"--only={name}" for name in QUICK]
    with receiver(fault, log) as url:
        said = conform(url, tmp_path, "--handled", f"cat {log}", "--json", verdicts, *quick)
    assert failed(verdicts) - OF_ITS_FRAME == found
    assert said.returncode == code


def test_a_plain_receiver_that_is_right_passes(tmp_path):
    """Of a receiver that does what Twitch says nothing fails but what its frame does not bear.

    It leaves types that it never asked for, and forgets a subscription that was revoked.
    """
    log, verdicts = tmp_path / "handled.log", tmp_path / "verdicts.json"
    log.touch()
    with receiver("", log) as url:
        said = conform(url, tmp_path, "--handled", f"cat {log}", "--json", verdicts)
    assert (failed(verdicts) - OF_ITS_FRAME, said.returncode) == (set(), 0)


def test_whoever_believes_everything_is_found_out(tmp_path, monkeypatch):
    """A receiver that checks no signature fails all that is forged, and is said to have handled it."""
    log, verdicts, junit = tmp_path / "handled.log", tmp_path / "verdicts.json", tmp_path / "junit.xml"
    log.touch()
    monkeypatch.setattr(judge, "SETTLE_SECONDS", 0.0)
    with receiver("credulous", log) as url:
        options = ["--handled", f"cat {log}", "--json", verdicts, "--junit", junit]
        said = conform(url, tmp_path, *options)
    assert said.returncode == 1
    assert {"signature-wrong", "signature-missing", "challenge-forged", "revocation-forged"} <= failed(
        verdicts
    )
    suite = ET.parse(junit).getroot()
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure")) == len(failed(verdicts))
    assert "Verify the signature before anything else" in said.stdout + said.stderr


def test_our_own_receiver_does_all_of_it(server, tmp_path):
    """Of showtime's own receiver nothing fails, and what a black box cannot show is not judged."""
    verdicts = tmp_path / "verdicts.json"
    said = conform(f"{server.url}/callback", tmp_path, "--json", verdicts)
    outcomes = {v["name"]: v["outcome"] for v in json.loads(verdicts.read_text())["verdicts"]}
    assert (failed(verdicts), said.returncode) == (set(), 0)
    assert [name for name, outcome in outcomes.items() if outcome == "not judged"] == [
        "handled-all",
        "handled-once",
        "handled-nothing-refused",
        "handled-in-order",
    ]
    assert len(outcomes) >= 40


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["https://goldenvcr.com/callback"], "is not on this machine: say --allow-remote"),
        (["http://192.0.2.1/callback"], "is not on this machine: say --allow-remote"),
        (["127.0.0.1:5001/callback", "--allow-remote"], "must begin with http:// or https://"),
    ],
)
def test_strangers_are_left_alone(tmp_path, arguments, words):
    """What is not on this machine is not tried, unless it is said; what is no address is named."""
    said = conform(arguments[0], tmp_path, *arguments[1:])
    assert said.returncode == 1
    assert words in said.stdout + said.stderr


def test_a_receiver_that_is_not_there_fails(tmp_path):
    """Where nobody listens, a probe says that there is no connection."""
    verdicts = tmp_path / "verdicts.json"
    said = conform("http://127.0.0.1:1/", tmp_path, "--json", verdicts, "--only=challenge")
    assert said.returncode == 1
    assert "no connection" in said.stdout + said.stderr


def test_a_command_that_fails_is_named(tmp_path):
    """Where --handled cannot be run, that is said, and nothing is called missing."""
    log = tmp_path / "handled.log"
    log.touch()
    with receiver("", log) as url:
        said = conform(url, tmp_path, "--handled", f"{sys.executable} -c 'exit(3)'", "--only=get")
    assert said.returncode == 1
    assert "the command of --handled ended with 3" in said.stdout + said.stderr
