"""What is tried before a night, and what each result means."""
