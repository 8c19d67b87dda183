"""The command `simulate` against a receiver on a real socket, which does right or as it is told not to."""

import hashlib
import hmac
import json
import re
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest

from showtime_app.dev_file import DevFile
from support.dev import command, environment
from support.following import await_some
from support.in_process import run_here
from support.server import free_port

SECRET = "be kind and rewind"
TOKEN_SECRET = "a secret for tokens that nobody else knows"
HEADERS = (
    *("message-id", "message-retry", "message-type", "message-signature", "message-timestamp"),
    *("subscription-type", "subscription-version"),
)


class Receiver(ThreadingHTTPServer):
    """A receiver of EventSub messages, to the letter of the protocol; `faults` names what it gets wrong."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.faults = set()
        self.delay = 0.0
        self.taken = []
        self.seen = []
        self.tapes = []
        self.under_way = 0
        self.most_under_way = 0
        self.lock = threading.Lock()

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it the two writes of an answer wait for each other's acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.under_way += 1
            self.server.most_under_way = max(self.server.under_way, self.server.most_under_way)
        time.sleep(self.server.delay)
        if self.path.startswith("/admin/tape"):
            self.answer(*self.tape())
        else:
            self.answer(*self.judge(body))
        with self.server.lock:
            self.server.under_way -= 1

    do_DELETE = do_POST  # noqa: N815 - the server looks for this name

    def tape(self):
        _, _, token = self.headers.get("Authorization", "").partition(" ")
        claims = jwt.decode(token, TOKEN_SECRET, ["HS256"])
        with self.server.lock:
            self.server.tapes.append((self.command, self.path.rpartition("/")[2], time.monotonic()))
        return (204 if claims["role"] == "broadcaster" else 403), b"", ""

    def judge(self, body):
        faults = self.server.faults
        with self.server.lock:
            self.server.seen.append(dict(self.headers))
        if "refuses all" in faults or self.path != "/callback":
            return 404, b"no such page", "text/plain"
        if len(body) > 1024 * 1024 and "takes oversized" not in faults:
            return 413, b"too large", "text/plain"
        given = {name: self.headers.get(f"Twitch-Eventsub-{name}") for name in HEADERS}
        signed = f"{given['message-id']}{given['message-timestamp']}".encode() + body
        expected = "sha256=" + hmac.digest(SECRET.encode(), signed, hashlib.sha256).hex()
        if given["message-signature"] != expected and "takes forged" not in faults:
            return 400, b"Signature verification failed", "text/plain"
        if given["message-id"] in {one["id"] for one in self.server.taken}:
            return 204, b"", ""
        sent = datetime.fromisoformat(re.sub(r"\d{3}Z", "+00:00", given["message-timestamp"]))
        if abs((datetime.now(UTC) - sent).total_seconds()) > 600 and "takes stale" not in faults:
            return 400, b"stale", "text/plain"
        return self.take(given, body)

    def take(self, given, body):
        faults = self.server.faults
        try:
            content = json.loads(body)
        except ValueError:
            return (204 if "takes malformed" in faults else 400), b"", ""
        if given["message-type"] == "webhook_callback_verification":
            return self.challenge(content["challenge"].encode())
        taken = {"id": given["message-id"], "kind": given["message-type"], "at": time.monotonic(), **content}
        with self.server.lock:
            self.server.taken.append(taken)
        is_broken = "is broken" in faults or None in given.values()
        return 500 if is_broken else 204, b"", ""

    def challenge(self, text):
        faults = self.server.faults
        status = 202 if "wrong status" in faults else 200
        body = b'"' + text + b'"' if "wrong body" in faults else text
        return status, body, "application/json" if "wrong type" in faults else "text/plain"

    def answer(self, status, body, content_type):
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        if "no length" in self.server.faults:
            self.send_header("Connection", "close")
        elif status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def receiver():
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(receiver, tmp_path):
    """Give a folder with the note of a receiver in its data folder."""
    DevFile(receiver.url, SECRET, TOKEN_SECRET).write(tmp_path / ".showtime")
    return tmp_path


@pytest.fixture
def start(folder):
    """Start the command beside a receiver, in a process of its own."""

    def begin(*arguments):
        return subprocess.Popen(
            command("simulate", *map(str, arguments)),
            cwd=folder,
            env=environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Whoever runs the tests in the background has Ctrl-C ignored, and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    return begin


@pytest.fixture
def simulate(folder):
    """Run the command to its end."""

    def run(*arguments, **names):
        return run_here("simulate", *arguments, names=environment(names), folder=folder)

    return run


def test_a_cheer_arrives_as_it_was_chosen(start, receiver):
    """The command of the README sends one cheer, signed, with all headers, and says that it was taken."""
    process = start("cheer", "--bits", 200, "--message", "a ghost of a baby seal please")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    (taken,) = receiver.taken
    assert taken["event"]["bits"] == 200
    assert taken["event"]["message"] == "a ghost of a baby seal please"
    assert taken["subscription"]["transport"]["callback"] == f"{receiver.url}/callback"
    assert out.startswith("ok     channel.cheer: 204 in ")


@pytest.mark.parametrize(
    "event_type",
    [
        *(
            "stream.online",
            "stream.offline",
            "channel.update",
            "channel.follow",
            "channel.raid",
            "channel.cheer",
        ),
        *("channel.subscribe", "channel.subscription.message", "channel.subscription.gift"),
        *("channel.subscription.end", "channel.hype_train.begin", "channel.hype_train.progress"),
        *("channel.hype_train.end", "channel.channel_points_custom_reward_redemption.add"),
        *("channel.chat.message", "channel.chat.message_delete", "channel.chat.clear"),
        "channel.chat.clear_user_messages",
    ],
)
def test_every_type_is_a_command(simulate, receiver, event_type):
    """Every type of event can be sent by Twitch's name without any option."""
    assert simulate(event_type).returncode == 0
    assert receiver.taken[0]["subscription"]["type"] == event_type


def test_the_options_of_twitchs_own_tool(simulate, receiver):
    """Short options and aliases mean what they mean in Twitch's own tool."""
    target = ("-F", f"{receiver.url}/callback", "-s", SECRET)
    assert simulate("cheer", *target, "-f", "VHSVera:99", "-t", "12345", "-C", 300, "-c", 2).returncode == 0
    assert simulate("gift", *target, "-f", "99", "-T", "webhook").returncode == 0
    assert simulate("subscribe", *target, "-g", "RewindRita", "--tier", 3).returncode == 0
    assert simulate("channel-gift", *target, "-a", "-C", 3, "-I", "vhs-1").returncode == 0
    assert simulate("stream-change", *target, "-d", "Tape night", "-n", "Retro", "-G", 27284).returncode == 0
    assert (
        simulate(
            "add-redemption", *target, "-S", "fulfilled", "-i", "r1", "-n", "Hydrate", "-C", 9
        ).returncode
        == 0
    )
    assert simulate("streamup", *target, "-u", "sub-1", "-r", "version_removed", "-v", "2").returncode == 0
    cheer, again, gift, subscribe, bomb, *rest, update, redemption, revocation = receiver.taken
    assert cheer["event"]["user_id"] == again["event"]["user_id"] == gift["event"]["user_id"] == "99"
    assert (cheer["event"]["user_name"], cheer["event"]["broadcaster_user_id"]) == ("VHSVera", "12345")
    assert cheer["event"]["bits"] == 300
    assert gift["event"]["is_gift"]
    assert (subscribe["event"]["user_name"], subscribe["event"]["tier"]) == ("RewindRita", "3000")
    assert (bomb["id"], bomb["event"]["user_id"], bomb["event"]["total"], len(rest)) == ("vhs-1", None, 3, 3)
    assert (update["event"]["title"], update["event"]["category_id"]) == ("Tape night", "27284")
    assert redemption["event"]["reward"] | {"prompt": ""} == {
        "id": "r1",
        "title": "Hydrate",
        "prompt": "",
        "cost": 9,
    }
    assert (revocation["kind"], revocation["subscription"]["status"]) == ("revocation", "version_removed")
    assert (revocation["subscription"]["id"], revocation["subscription"]["version"]) == ("sub-1", "2")


def test_a_revocation_has_a_command_of_its_own(simulate, receiver):
    """A subscription is revoked by its type, for a reason."""
    done = simulate("revocation", "follow", "--reason", "user_removed")
    assert done.returncode == 0
    assert receiver.taken[0]["kind"] == "revocation"
    assert receiver.taken[0]["subscription"]["type"] == "channel.follow"
    assert receiver.taken[0]["subscription"]["status"] == "user_removed"


def test_a_gift_bomb_repeated_and_resent_many_at_once(simulate, receiver):
    """Every gift brings its subscriptions, every message comes as often as it should, and all are counted."""
    receiver.delay = 0.005
    done = simulate("gift-bomb", "--total", 5, "--repeat", 4, "--resend", 1, "--concurrency", 8)
    assert done.returncode == 0
    assert "48 sent in" in done.stdout
    assert "median" in done.stdout
    assert 1 < receiver.most_under_way <= 8
    retries = [one["Twitch-Eventsub-Message-Retry"] for one in receiver.seen]
    assert (retries.count("0"), retries.count("1")) == (24, 24)
    assert len({one["Twitch-Eventsub-Message-Id"] for one in receiver.seen}) == 24


def test_a_rate_is_kept(simulate, receiver):
    """Messages go out at the rate that was asked for, however many may be under way."""
    done = simulate("follow", "--repeat", 20, "--rate", 20, "--concurrency", 5)
    assert done.returncode == 0
    [seconds] = re.findall(r"20 sent in ([0-9.]+) s", done.stdout)
    assert 0.9 <= float(seconds) <= 30
    assert len(receiver.taken) == 20


@pytest.mark.parametrize("flaw", ["stale", "future", "forged", "unsigned", "malformed", "oversized"])
def test_what_is_wrong_is_refused_by_a_correct_server(simulate, receiver, flaw):
    """A refusal of what is wrong on purpose is a success, and nothing of it was taken."""
    done = simulate("cheer", f"--{flaw}")
    assert (done.returncode, receiver.taken) == (0, [])


@pytest.mark.parametrize(
    ("flaw", "fault"),
    [
        ("stale", "takes stale"),
        ("future", "takes stale"),
        ("forged", "takes forged"),
        ("unsigned", "takes forged"),
        ("malformed", "takes malformed"),
        ("oversized", "takes oversized"),
        ("forged", "refuses all"),
        ("oversized", "refuses all"),
    ],
)
def test_a_server_that_takes_what_is_wrong_fails(simulate, receiver, flaw, fault):
    """A server that takes it, or refuses for another reason, is found out."""
    receiver.faults.add(fault)
    done = simulate("cheer", f"--{flaw}")
    assert done.returncode == 1
    assert "WRONG" in done.stdout


def test_a_broken_server_fails(simulate, receiver):
    """An answer other than 2xx to a message in order is a failure, and it is shown."""
    receiver.faults.add("is broken")
    done = simulate("follow", "--repeat", 20)
    assert done.returncode == 1
    assert "20 answered wrongly" in done.stdout
    assert "500 instead of 2xx" in done.stdout


def test_a_slow_server_fails(simulate, receiver):
    """An answer that takes longer than the time limit is none."""
    receiver.delay = 0.6
    done = simulate("follow", "--timeout", 0.2)
    assert done.returncode == 1
    assert "no answer within 0.2 s" in done.stdout


def test_nobody_there_fails(simulate):
    """Where nobody listens a long run is given up at once, with the address that was tried."""
    port = free_port()
    done = simulate("follow", "--repeat", 1000, "--url", f"http://127.0.0.1:{port}/callback")
    assert done.returncode == 1
    assert f"nobody answers at http://127.0.0.1:{port}/callback" in done.stderr


def test_the_challenge_of_a_correct_server_passes(simulate):
    """A correct answer passes every check, each with its line."""
    done = simulate("challenge")
    assert done.returncode == 0
    assert len(re.findall(r"^ok     ", done.stdout, re.MULTILINE)) == 7


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("wrong status", "the status is 200"),
        ("wrong body", "the body is the challenge and nothing else"),
        ("wrong type", "the content type is text/plain"),
        ("no length", "the content length is"),
        ("takes forged", "a forged challenge is refused"),
        ("takes forged", "an unsigned challenge is refused"),
        ("refuses all", "the status is 200"),
    ],
)
def test_every_slip_of_a_challenge_is_found(simulate, receiver, fault, rule):
    """Each thing that can be wrong with the answer to a challenge fails, by name."""
    receiver.faults.add(fault)
    done = simulate("verify-subscription", "streamup")
    assert done.returncode == 1
    assert f"WRONG  {rule}" in done.stdout


def test_a_slow_challenge_fails(simulate, receiver):
    """A challenge must be answered in time."""
    receiver.delay = 0.4
    assert simulate("challenge", "--timeout", 0.2).returncode == 1


def test_a_night_is_played(simulate, receiver):
    """A night goes online first and offline last, drops out for its five minutes, and plays its tapes."""
    done = simulate("night", "--speed", 1200, "--seed", 4)
    assert (done.returncode, done.stderr) == (0, "")
    assert "seed 4" in done.stdout
    assert "within 15 minutes of the last one resumes that one" in done.stdout
    stream = [one for one in receiver.taken if one["subscription"]["type"].startswith("stream.")]
    assert [one["subscription"]["type"] for one in stream] == [
        *("stream.online", "stream.offline", "stream.online", "stream.offline")
    ]
    online, dropped, resumed, _ = stream
    assert 0.25 <= resumed["at"] - dropped["at"] <= 30
    assert online["event"]["id"] != resumed["event"]["id"]
    assert resumed["event"]["started_at"] > online["event"]["started_at"]
    assert receiver.taken[-1] is stream[-1]
    assert [method for method, *_ in receiver.tapes] == ["POST", "POST", "POST", "DELETE"]
    assert all(online["at"] < at < stream[-1]["at"] for *_, at in receiver.tapes)


def test_two_nights_of_one_seed_are_two_nights(simulate, receiver):
    """A second night of the same seed is not swallowed as duplicates of the first."""
    for _ in range(2):
        assert simulate("night", "--speed", 100_000, "--seed", 4).returncode == 0
    first, second = receiver.taken[: len(receiver.taken) // 2], receiver.taken[len(receiver.taken) // 2 :]
    assert len(first) == len(second)
    assert [one["subscription"]["type"] for one in first if "hype" in one["subscription"]["type"]] == [
        one["subscription"]["type"] for one in second if "hype" in one["subscription"]["type"]
    ]


def test_a_night_without_a_token_leaves_the_tapes_out(simulate, receiver):
    """Where no token is known the night says so, and goes on without tapes."""
    done = simulate(
        "night", "--speed", 100_000, "-D", "--url", f"{receiver.url}/callback", "--secret", SECRET
    )
    assert done.returncode == 0
    assert "The tapes are left out" in done.stdout
    assert receiver.tapes == []


def test_a_night_that_nobody_takes_is_called_off(simulate, receiver):
    """A night does not go on for an hour before a server that takes nothing."""
    receiver.faults.add("refuses all")
    done = simulate("night", "--speed", 60)
    assert done.returncode == 1
    assert "called off" in done.stdout


def test_a_dry_run_sends_nothing(simulate, receiver):
    """A dry run prints every request in full, with a signature that fits, and sends none."""
    done = simulate("gift-bomb", "--total", 3, "--dry-run")
    assert (done.returncode, receiver.seen) == (0, [])
    assert done.stdout.count("Twitch-Eventsub-Message-Signature: sha256=") == 4
    message_id, timestamp = (
        re.search(rf"Message-{name}: (\S+)", done.stdout)[1] for name in ("Id", "Timestamp")
    )
    body = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    expected = hmac.digest(SECRET.encode(), f"{message_id}{timestamp}{body}".encode(), hashlib.sha256).hex()
    assert f"sha256={expected}" in done.stdout
    assert simulate("night", "--dry-run", "--seed", 4).stdout.count("POST ") > 80
    assert simulate("challenge", "--dry-run", "-D").returncode == 0
    assert receiver.seen == []


def test_only_loopback_unless_it_is_meant(simulate):
    """Another machine is refused before anything is sent, unless --allow-remote is given."""
    remote = ("cheer", "--url", "http://192.0.2.7:9/callback", "--timeout", 0.2)
    done = simulate(*remote)
    assert done.returncode == 2
    assert "--allow-remote" in done.stderr
    assert simulate(*remote, "--allow-remote").returncode == 1


@pytest.mark.parametrize(
    "mistake",
    [
        ("cheer", "--forged", "--stale"),
        ("cheer", "--bits", "many"),
        ("channel.nonsense",),
        ("follow", "--bits", "100"),
        ("follow", "--repeat", "0"),
        ("follow", "--timestamp", "yesterday"),
        ("follow", "--event-id", "two\nlines"),
        ("follow", "-T", "websocket"),
        ("follow", "--no-config"),
        ("follow", "--secret", "short"),
        ("night", "--speed", "0"),
    ],
)
def test_mistakes_in_usage_are_told_apart(simulate, receiver, mistake):
    """What makes no sense ends with 2, and nothing is sent."""
    done = simulate(*mistake)
    assert (done.returncode, receiver.seen) == (2, [])
    assert "Error" in done.stderr


def test_the_environment_is_stronger_than_the_note(simulate, receiver):
    """The first of several secrets in the environment signs."""
    assert simulate("follow", TWITCH_WEBHOOK_SECRET=f"{SECRET}, another secret").returncode == 0
    assert simulate("follow", TWITCH_WEBHOOK_SECRET=f"another secret, {SECRET}").returncode == 1
    simulate("streamup", TWITCH_CHANNEL_NAME="goldenvcr")
    assert receiver.taken[-1]["event"]["broadcaster_user_name"] == "goldenvcr"


def test_a_proxy_is_not_asked(simulate):
    """Messages to loopback do not pass through a proxy of the environment."""
    assert (
        simulate("follow", http_proxy="http://192.0.2.7:9", HTTP_PROXY="http://192.0.2.7:9").returncode == 0
    )


def test_an_interrupted_run_sums_up(start, receiver):
    """Ctrl-C ends a long run at once, with a summary of what was sent so far."""
    process = start("follow", "--repeat", 100_000, "--rate", 50)
    await_some(lambda: receiver.taken)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "answered as they should be" in out
    assert "interrupted" in err
    assert "Traceback" not in err


def test_a_long_run_shows_how_far_it_is(simulate, receiver):
    """In a pipe a long run says every few seconds how much is done, on the side of the errors."""
    done = simulate("follow", "--repeat", 120, "--rate", 20)
    assert done.returncode == 0
    assert re.fullmatch(r"(\d+ of 120 sent, 0 of them not answered as they should be\n)+", done.stderr)
    assert len(receiver.taken) == 120


def test_the_help_is_readable(simulate):
    """The help names every command, the ways to get it wrong, and the meaning of the exit codes."""
    done = simulate("--help")
    assert done.returncode == 0
    for word in ("cheer", "gift-bomb", "night", "challenge", "revocation", "Exit code", "--allow-remote"):
        assert word in done.stdout
    for name in ("cheer", "night", "challenge", "revocation", "gift"):
        assert "Usage: showtime simulate" in simulate(name, "--help").stdout
