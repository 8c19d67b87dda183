"""`showtime init`: a channel is set up at Twitch."""
