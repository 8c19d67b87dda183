"""Who the embedded PostgreSQL runs as: ourselves, or somebody harmless where we are root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self

from attrs import evolve, frozen

from showtime_adapters.postgres.embedded_binaries import EmbeddedPostgresError
from showtime_adapters.postgres.embedded_folder import DataFolder, foreign

_PROBE_SECONDS = 20
# Nothing of ours leaks in: PGPORT and its kin would be obeyed by the server.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@frozen
class Account:
    """The user that owns the cluster and runs the server."""

    uid: int
    gid: int
    capability: str | None = None
    """What of root's power the server keeps, where it could not reach its own files without."""

    @classmethod
    def of(cls, folder: DataFolder) -> Self:
        """Tell who may serve this folder; raises EmbeddedPostgresError if it is nobody that we can be."""
        found = folder.cluster if folder.cluster.exists() else folder.path
        owner = found.stat()
        if os.geteuid() != 0:
            if owner.st_uid != os.geteuid():
                raise foreign(found)
            return cls(os.geteuid(), os.getegid())
        if found != folder.cluster:
            return cls._for_new_cluster(owner.st_uid)
        if owner.st_uid == 0:
            raise _refused_to_root(found)
        return cls(owner.st_uid, owner.st_gid)

    @classmethod
    def _for_new_cluster(cls, owner: int) -> Self:
        """Choose for root: the owner of the folder, or nobody; initdb insists on a user with a name."""
        try:
            user = pwd.getpwuid(owner) if owner != 0 else pwd.getpwnam("nobody")
        except KeyError:
            user = pwd.getpwnam("nobody")
        return cls(user.pw_uid, user.pw_gid)

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
            if all(candidate.reaches(binary, folder) for folder in folders):
                return candidate
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root, and no other user can reach {binary} and {folders[0]}:"
            " install util-linux (setpriv), name a folder of another user with --data-dir,"
            " or run as an ordinary user"
        )

    def reaches(self, binary: Path, folder: Path) -> bool:
        """Try whether the binary runs as this account, inside the folder."""
        try:
            return (
                self.run(["env", "-C", str(folder), str(binary), "--version"], _PROBE_SECONDS).returncode == 0
            )
        except OSError:
            return False

    def own(self, path: Path) -> None:
        """Give the path to this account."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; raises EmbeddedPostgresError if it takes longer than that."""
        words, options = self._dressed(command)
        try:
            return subprocess.run(  # noqa: S603 - the words are ours
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                timeout=seconds,
                **options,
            )
        except subprocess.TimeoutExpired as reason:
            raise EmbeddedPostgresError(
                f"{words[0]} has not ended within {seconds:.0f} s: the machine may be overloaded; try again"
            ) from reason

    def spawn(self, command: Sequence[str], log: IO[bytes], inherited: int) -> subprocess.Popen[bytes]:
        """Start a process that outlives us, writes to the log and inherits one descriptor."""
        words, options = self._dressed(command)
        return subprocess.Popen(  # noqa: S603 - the words are ours
            words, stdout=log, stderr=log, pass_fds=[inherited], **options
        )

    def _dressed(self, command: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
        # A session of its own: Ctrl-C at the terminal is for us, and we stop the server in order.
        options: dict[str, Any] = {
            "cwd": "/",
            "env": _ENVIRONMENT,
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
        }
        if os.geteuid() != 0:
            return list(command), options
        if self.capability is None:
            return list(command), options | {"user": self.uid, "group": self.gid, "extra_groups": []}
        return [*self._setpriv(self.capability), *command], options

    def _setpriv(self, capability: str) -> list[str]:
        kept = f"-all,+{capability}"
        return [
            shutil.which("setpriv") or "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--inh-caps={kept}",
            f"--ambient-caps={kept}",
            # Else access(2), by which PostgreSQL looks for its own programs, would ignore the capability.
            "--securebits=+no_setuid_fixup",
            "--no-new-privs",
            "--",
        ]


def _refused_to_root(cluster: Path) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"{cluster} belongs to root, and PostgreSQL refuses to run as root: give it to another user"
        f" (chown -R nobody {cluster}), or name another folder with --data-dir"
    )
