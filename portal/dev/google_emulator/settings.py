"""The emulator's OAuth client and default port, and the settings that point the portal at it."""

CLIENT_ID = "portal.apps.emulator.example"
CLIENT_SECRET = "emulator-client-secret"  # noqa: S105 - opens nothing but the emulator on this machine
DEFAULT_PORT = 8099


def google_settings(base_url: str) -> dict[str, str]:
    """The portal's settings, by environment name, that point it at the emulator at `base_url`."""
    base = base_url.rstrip("/")
    return {
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "GOOGLE_API_ROOT": base,
        "GOOGLE_AUTH_URI": f"{base}/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URI": f"{base}/token",
        "GOOGLE_REVOKE_URI": f"{base}/revoke",
        "GOOGLE_EMBED_URI": f"{base}/calendar/embed",
    }
