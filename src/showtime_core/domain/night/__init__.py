"""The night that is on, as the host reads it: its feed, and what it came to."""
