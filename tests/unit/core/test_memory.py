"""The ports in memory keep to their contracts."""

import pytest

from showtime_core.testing.chat_contract import ChatLogContract, ChatStage
from showtime_core.testing.contracts import UnitOfWorkContract
from showtime_core.testing.ledger_contract import LedgerContract
from showtime_core.testing.memory import MemoryChatLog, MemoryUnitOfWork
from showtime_core.testing.memory_ledger import MemoryLedger
from showtime_core.testing.records import memory_stage


class TestMemoryUnitOfWork(UnitOfWorkContract):
    @pytest.fixture
    def stage(self):
        return memory_stage(MemoryUnitOfWork())


class TestMemoryLedger(LedgerContract):
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
