"""The show on the screen: what waits, who plays it, and what became of it."""
