"""What `showtime conform` says of the Python libraries, and of showtime itself."""
