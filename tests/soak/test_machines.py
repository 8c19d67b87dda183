"""Nights and effects in PostgreSQL, many of them."""

from integration import test_contracts, test_effects_machine

test_nights_in_postgres_are_the_nights_in_memory = (
    test_contracts.test_nights_in_postgres_are_the_nights_in_memory
)
test_points_are_conserved_in_postgres = test_effects_machine.test_points_are_conserved_in_postgres
