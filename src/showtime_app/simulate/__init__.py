"""Simulated EventSub messages: what they say, how they are sent, and a whole night of them."""
