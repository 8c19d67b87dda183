"""What a message costs while the journal grows."""
