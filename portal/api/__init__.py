"""The JSON face: the published API. Never imports portal.web."""
