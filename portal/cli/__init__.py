"""The commands of `flask --app wsgi`: thin, results to stdout, logs to stderr."""
