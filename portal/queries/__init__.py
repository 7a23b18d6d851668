"""Reads by noun, the actor first: what is returned is loaded whole and may not touch the database again."""
