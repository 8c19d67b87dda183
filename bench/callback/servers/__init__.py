"""What is measured beside showtime: each a process of its own, `python -m callback.servers.NAME PORT`.

Each writes a line `ready` once it answers; the peers write `handled N` when they have stopped.
"""
