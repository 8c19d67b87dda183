"""The libraries as their documentation runs them, each with handlers that write down what they were given."""
