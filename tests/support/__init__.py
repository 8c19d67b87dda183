"""What the integration tests share: a server as a subprocess, Twitch as a sender, a client of the streams."""
