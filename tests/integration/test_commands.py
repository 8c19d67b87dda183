"""`showtime` as it is typed: its help, what the shell completes, and the folder that its commands share."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
import pytest

from showtime_app.cli.common import open_listener
from showtime_app.cli.main import main
from showtime_app.config import Settings
from support import dev
from support import twitch as t
from support.in_process import run_here

NOBODY = 65534
HEAVY = {"litestar", "uvicorn", "psycopg", "pydantic", "httpx", "aiohttp", "boto3", "openai", "structlog"}
LOADED = """
import sys
from showtime_app.cli.main import main
main(sys.argv[1:], standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""
COMPLETE = """
eval "$(showtime completion bash)"
COMP_WORDS=(showtime {words})
COMP_CWORD={last}
_showtime_completion showtime
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
_CONTEXT = click.Context(main)


@pytest.mark.parametrize("name", [name for name in main.list_commands(_CONTEXT) if name != "simulate"])
def test_help_loads_nothing_of_the_service(name):
    """The help of a command is there at once, for nothing is loaded but the command itself."""
    asked = subprocess.run(
        [sys.executable, "-c", LOADED, name, "-h"], capture_output=True, text=True, check=True, timeout=60
    )
    assert asked.stdout.startswith("Usage: ")
    assert not HEAVY & {*asked.stderr.split()}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["mig"], {"migrate"}),
        (["simulate", "chat-"], {"chat-ban", "chat-clear", "chat-delete", "chat-notice"}),
        (["migrate", ""], {"up", "down", "status"}),
        (["init", "--no"], {"--now", "--no-browser", "--non-interactive"}),
    ],
)
def test_the_shell_completes(words, found):
    """By what `showtime completion bash` prints bash completes commands, events, choices and options."""
    script = COMPLETE.format(words=" ".join(word or "''" for word in words), last=len(words))
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", script], env={"PATH": programs}, stdout=subprocess.PIPE, text=True, check=True
    )
    assert {*done.stdout.split()} == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell, tmp_path):
    """Each shell is told to ask showtime in its own form."""
    told = run_here("completion", shell, names={"PATH": os.environ["PATH"]}, folder=tmp_path)
    assert told.returncode == 0
    assert f"_SHOWTIME_COMPLETE={shell}_complete" in told.stdout


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Have the rights of an ordinary user for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_port_that_takes_a_right_is_told_as_that():
    """Of port 80 an ordinary user is told that it takes a right, and not to stop what runs there."""
    first_free = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if first_free.exists() and int(first_free.read_text()) <= 80:
        pytest.skip("this system lets everybody listen on port 80")
    with ordinary_user(), pytest.raises(click.ClickException) as told:
        open_listener(Settings(_env_file=None), "127.0.0.1", 80)
    said = told.value.message
    assert said.startswith(
        f"cannot listen on 127.0.0.1:80 ({os.strerror(errno.EACCES)}): ports below 1024 need"
    )
    assert "stop what runs there" not in said


def test_a_second_dev_leaves_the_note_to_the_first(tmp_path):
    """Of two on one folder commands find the first, whose secret and tokens are good for both."""
    folder = tmp_path / ".showtime"
    with dev.developing(folder, LOG_FORMAT="text") as first:
        note = (folder / "dev.json").read_text()
        with dev.developing(folder, LOG_FORMAT="text", TWITCH_WEBHOOK_SECRET="another-secret") as second:
            assert (folder / "dev.json").read_text() == note
            token, secret = first.token("broadcaster"), json.loads(note)["webhook_secret"]
            for number, each in enumerate((first, second)):
                online = t.online(f"night-{number}", secret=secret)
                url = f"{each.server.url}/callback"
                assert httpx.post(url, headers=online.headers, content=online.body).status_code == 204
                listed = httpx.get(f"{each.server.url}/admin/parked", headers={"authorization": token})
                assert listed.status_code == 200
        assert "\x1b" not in folder.with_suffix(".log").read_text()  # what it logs goes to no terminal
    with dev.developing(folder) as third:
        assert json.loads((folder / "dev.json").read_text())["url"] == third.server.url


def test_commands_find_the_folder_of_dev(tmp_path):
    """Where no database is named, commands take that of the `showtime dev` in this folder, and say so."""
    folder = tmp_path / ".showtime"
    names = dev.environment({})
    with dev.developing(folder):
        listed = run_here("parked", "list", names=names, folder=tmp_path)
        status = run_here("migrate", "status", names=names, folder=tmp_path)
        unknown = run_here("broadcast", "set-vod", 77, "", names=names, folder=tmp_path)
    said = "no database is named: taking that of `showtime dev` in .showtime\n"
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "nothing is parked\n", said)
    assert (status.returncode, status.stderr) == (0, said)
    assert (unknown.returncode, unknown.stderr) == (1, f"{said}Error: no such broadcast\n")
    for elsewhere in ({"PGHOST": str(tmp_path)}, {"PGSERVICE": "production"}):
        refused = run_here("parked", "list", names=names | elsewhere, folder=tmp_path)
        assert refused.returncode == 1
        assert ".showtime" not in refused.stderr
