"""Use case: the journal is told to the core again, and what follows is compared with what was recorded."""
