"""The use cases: each takes what came from outside to the domain, through the ports, and no further."""
