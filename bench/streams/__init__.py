"""What many open streams cost, and what they are told."""
