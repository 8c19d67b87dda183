"""A night looked at afterwards, or while it is on the air: its timeline, marks for the recording, a summary."""
