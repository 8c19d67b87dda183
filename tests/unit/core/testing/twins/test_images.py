"""The painter, the bucket and the gallery in memory keep to the rules of the others."""

from functools import partial

import pytest

from showtime_core.errors import Ambiguous, Refused, Unavailable
from showtime_core.testing.contracts.images import (
    BucketContract,
    BucketStage,
    PainterStage,
    RemoteGalleryContract,
    RemoteGalleryStage,
    RemotePainterContract,
)
from showtime_core.testing.twins.images import MemoryBucket, MemoryGallery, MemoryPainter


def failing(port, failure):
    """Make what lets a port fail from now on."""
    return partial(setattr, port, "failure", failure)


class TestMemoryPainter(RemotePainterContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> PainterStage:
        painter = MemoryPainter()
        away, no = failing(painter, Unavailable("away")), failing(painter, Refused("not you"))
        return PainterStage(painter, "something forbidden", away, no)


class TestMemoryBucket(BucketContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> BucketStage:
        bucket = MemoryBucket()

        async def read(url):
            return bucket.images.get(url)

        return BucketStage(bucket, read, failing(bucket, Unavailable("away")))


class TestMemoryGallery(RemoteGalleryContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> RemoteGalleryStage:
        gallery = MemoryGallery()
        return RemoteGalleryStage(
            gallery,
            lambda: [jpeg for _, _, jpeg in gallery.posts],
            failing(gallery, Unavailable("away")),
            failing(gallery, Ambiguous("lost")),
            failing(gallery, Refused("not you")),
        )
