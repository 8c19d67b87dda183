"""The ports in memory keep to their contracts."""

import pytest

from showtime_core.testing.contracts.chat_log import ChatLogContract, ChatStage
from showtime_core.testing.contracts.ledger import PagedLedgerContract
from showtime_core.testing.contracts.unit_of_work import UnitOfWorkContract
from showtime_core.testing.records import memory_stage
from showtime_core.testing.twins.chat_log import MemoryChatLog
from showtime_core.testing.twins.ledger import MemoryLedger
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork


class TestMemoryUnitOfWork(UnitOfWorkContract):
    @pytest.fixture
    def stage(self):
        return memory_stage(MemoryUnitOfWork())


class TestMemoryLedger(PagedLedgerContract):
    @pytest.fixture
    def ledger(self):
        return MemoryLedger()


class TestMemoryChatLog(ChatLogContract):
    @pytest.fixture
    def chat(self):
        log = MemoryChatLog()

        async def read():
            return list(log.lines)

        return ChatStage(log, log, read)
