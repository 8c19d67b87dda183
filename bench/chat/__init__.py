"""The benchmark of chat."""
