"""The HTTP interface: routes, what stands before them, their description, and what they share."""
