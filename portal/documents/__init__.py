"""The published JSON of an offering, prepared when it is written, read as bytes."""
