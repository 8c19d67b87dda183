"""The harness: every port in memory, strategies for every event, and the contracts that adapters keep."""
