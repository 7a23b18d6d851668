"""Pure values and rules, without Flask, database, clock and network."""
