"""The feed of the night while it goes on, as the host reads it, and what the night came to so far."""
