"""`POST /callback` under load, beside its frame, its floor and its peers; see ../README.md."""
