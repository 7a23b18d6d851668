"""Import and export of offerings in the shape of the published API."""
