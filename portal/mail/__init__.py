"""Mail as people get it: words, templates, and the way to the mail server."""
