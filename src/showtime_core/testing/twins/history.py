"""The history in memory: what a unit of work in memory has kept, as the history shows it."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from attrs import Factory, define, frozen

from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening
from showtime_core.domain.broadcasts.history import (
    GhostPage,
    LastTape,
    ListedBroadcast,
    ListedGhost,
    PaidGhost,
    PastBroadcast,
    PastScreening,
    displayed_name,
)
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import NotFound
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


@frozen
class StoredGhost:
    """A ghost that was asked for, whatever became of it."""

    id: UUID
    viewer: Viewer
    screening_id: UUID | None
    subject: str
    created_at: datetime
    finished_at: datetime | None
    error_message: str | None = None
    urls: tuple[str, ...] = ()

    @property
    def is_paid(self) -> bool:
        """Whether there is a ghost, and it was paid for."""
        return self.finished_at is not None and self.error_message is None


@define
class MemoryHistory:
    """The nights that were, in memory; see `showtime_core.ports.History`."""

    units: MemoryUnitOfWork
    ghosts: list[StoredGhost] = Factory(list)
    vod_urls: dict[int, str] = Factory(dict)

    async def broadcasts(self, after: int | None = None, limit: int | None = None) -> list[ListedBroadcast]:
        """List the nights with a tape by their start."""
        first = None if after is None else _place(self._find(after))
        nights = sorted(self.units.memory.broadcasts.values(), key=_place)
        listed = [
            ListedBroadcast(night.id, night.started_at, self.vod_urls.get(night.id, ""), tape_ids)
            for night in nights
            if first is None or _place(night) > first
            if (tape_ids := tuple(screening.tape_id for screening in self._screenings(night)))
        ]
        return listed[:limit]

    async def broadcast(self, broadcast_id: int) -> PastBroadcast:
        """Tell all of one night."""
        night = self._find(broadcast_id)
        return PastBroadcast(
            night.id,
            night.started_at,
            night.ended_at,
            self.vod_urls.get(night.id, ""),
            tuple(
                PastScreening(on.tape_id, on.started_at, on.ended_at or night.ended_at, self._ghosts(on))
                for on in self._screenings(night)
            ),
        )

    async def gallery(
        self,
        limit: int,
        before: UUID | None = None,
        around: UUID | None = None,
        broadcast_id: int | None = None,
    ) -> GhostPage:
        """List ghosts that were paid for, the newest first."""
        paid = sorted((ghost for ghost in self.ghosts if ghost.is_paid), key=_when_paid)
        places = {ghost.id: number for number, ghost in enumerate(paid, 1)}
        listed = [self._listed(ghost, places[ghost.id]) for ghost in reversed(paid)]
        kept = [
            ghost
            for ghost in listed
            if before is None or ghost.number < places.get(before, 0)
            if around is None or abs(ghost.number - places.get(around, -1)) <= 1
            if broadcast_id is None or ghost.broadcast_id == broadcast_id
        ][:limit]
        return GhostPage(len(paid) if kept else 0, tuple(kept))

    def _listed(self, ghost: StoredGhost, number: int) -> ListedGhost:
        every = self.units.memory.screenings.values()
        on = next((screening for screening in every if screening.id == ghost.screening_id), None)
        return ListedGhost(
            ghost.id,
            number,
            displayed_name(ghost.viewer.display_name, ghost.viewer.id),
            ghost.subject,
            ghost.urls[0] if ghost.urls else "",
            _when_paid(ghost)[0],
            on.broadcast_id if on else None,
            on.tape_id if on else None,
        )

    async def last_tapes(self, limit: int) -> list[LastTape]:
        """List the tapes that were on last, each once, the newest first."""
        times: dict[int, list[datetime]] = {}
        for on in self.units.memory.screenings.values():
            times.setdefault(on.tape_id, []).append(on.started_at)
        listed = [LastTape(tape_id, max(found), len(found)) for tape_id, found in times.items()]
        return sorted(listed, key=lambda tape: (-tape.last_on_at.timestamp(), tape.tape_id))[:limit]

    async def image_urls(self, request_id: UUID) -> list[str]:
        """List where the images of a ghost are, in order."""
        return [
            url for ghost in self.ghosts if ghost.id == request_id and ghost.is_paid for url in ghost.urls
        ]

    async def set_vod_url(self, broadcast_id: int, url: str) -> None:
        """Keep where the recording of a night is; empty: nowhere."""
        self.vod_urls[self._find(broadcast_id).id] = url

    def _find(self, broadcast_id: int) -> Broadcast:
        night = self.units.memory.broadcasts.get(broadcast_id)
        if night is None:
            raise NotFound("no such broadcast")
        return night

    def _screenings(self, night: Broadcast) -> Iterator[Screening]:
        every = self.units.memory.screenings.values()
        on = (screening for screening in every if screening.broadcast_id == night.id)
        return iter(sorted(on, key=_place))

    def _ghosts(self, on: Screening) -> tuple[PaidGhost, ...]:
        paid = (ghost for ghost in self.ghosts if ghost.is_paid and ghost.screening_id == on.id)
        return tuple(
            PaidGhost(ghost.id, displayed_name(ghost.viewer.display_name, ghost.viewer.id), ghost.subject)
            for ghost in sorted(paid, key=lambda ghost: (ghost.created_at, ghost.id))
        )


def _when_paid(ghost: StoredGhost) -> tuple[datetime, UUID]:
    assert ghost.finished_at, "it is paid for"
    return ghost.finished_at, ghost.id


def _place(row: Broadcast | Screening) -> tuple[datetime, int]:
    return row.started_at, int(row.id)
