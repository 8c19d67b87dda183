"""Local stand-ins for outside services, for a laptop: tokens, painter, bucket and gallery."""
