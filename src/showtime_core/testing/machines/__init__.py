"""Hypothesis state machines that play whole nights, and the invariants that hold after every step."""
