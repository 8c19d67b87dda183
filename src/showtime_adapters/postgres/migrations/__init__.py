"""Bringing a database to the schema that this version needs; the SQL is in `db/migrations`."""
