"""The application: settings, composition root, web application and command line."""
