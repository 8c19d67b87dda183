"""Nights on the air: the timeline, the channel's state, the check against Twitch's streams, the history."""
