"""Attacks on the server as it is shipped, played on this machine, and what honest clients see meanwhile."""
