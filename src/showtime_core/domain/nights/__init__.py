"""A night looked at afterwards, or while it is on the air: its timeline, its marks, its summary."""
