"""How much memory a server takes, at rest and after work."""
