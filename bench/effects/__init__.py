"""How fast effects are performed, and how that grows with the instances."""
