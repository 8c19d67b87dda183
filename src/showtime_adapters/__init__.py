"""The outside world of showtime: a module or package for each thing outside; they do not know each other."""
