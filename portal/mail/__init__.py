"""Composing messages and delivering them to the mail server."""
