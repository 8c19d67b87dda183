"""The secrets of the show in memory keep to the rules of every store."""

from itertools import count

import pytest

from showtime_core.ports import ShowSecrets
from showtime_core.testing.contracts.show_secrets import ShowSecretsContract
from showtime_core.testing.entries import at
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


class TestMemoryShowSecrets(ShowSecretsContract):
    """The contract, in memory."""

    @pytest.fixture
    def stores(self) -> tuple[ShowSecrets, ShowSecrets]:
        minutes = count()
        show = MemoryShow(MemoryUnitOfWork(clock=lambda: at(next(minutes))))
        return show, show
