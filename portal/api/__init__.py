"""The API: Waldur's booking offerings, and this portal's additions. Never imports portal.web."""
