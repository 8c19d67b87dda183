"""The show on the screen in PostgreSQL."""
