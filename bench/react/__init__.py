"""How many events a second the core reacts to."""
