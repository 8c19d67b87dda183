"""The domain of showtime: what happens during a night on air, and what follows from it.

Pure: no input or output, no clock, no randomness that is not passed in. Needs attrs and nothing else.
"""
