"""What stands before the routes: limits, request ids, who may, and where a request comes from."""
