"""How long it takes from a message to the alert that a client is shown."""
