"""How long a command takes to be there."""
