"""Queries by noun, the actor first. Results are completely loaded and never query the database again."""
