"""The declaration of the published documents. Everything that names their fields is derived from it."""
