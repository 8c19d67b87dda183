"""Five hundred faults, and a kill at each named point of receiving, performing and showing."""

from integration import test_faults as short

test_nothing_is_lost_and_nothing_doubled_whatever_fails = (
    short.test_nothing_is_lost_and_nothing_doubled_whatever_fails
)
