"""A real PostgreSQL for a laptop and for tests: found, started, shared and stopped by showtime itself."""
