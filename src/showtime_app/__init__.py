"""The application: settings, composition root, web application and command line."""

DISTRIBUTION = "golden-vcr-showtime"
"""The name that it is installed under: `showtime` on the public index is somebody else's."""
