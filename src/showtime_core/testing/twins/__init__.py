"""The ports in memory: for unit tests, as models of the real ones, and for whoever embeds the core."""
