"""Twitch: EventSub messages."""
