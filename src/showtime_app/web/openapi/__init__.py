"""The description of all routes, generated from their handlers: a document, and a page for people."""
