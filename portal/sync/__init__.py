"""The calendar engine: the provider interface, the engine, the in-memory twin. Knows the interface, not Google."""
