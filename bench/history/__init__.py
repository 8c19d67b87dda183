"""How fast the history is read, and how that grows with the years."""
