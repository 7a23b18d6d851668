"""The published JSON of offerings: built and stored when an offering changes, adapted to the reader when it is read."""
