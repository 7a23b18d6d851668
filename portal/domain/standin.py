"""How the portal is pointed at the stand-in for Google that ships with it.

The stand-in (`portal.standin`) is a program of its own; these few values are all that both sides share.
"""

CLIENT_ID = "portal.apps.standin.example"
CLIENT_SECRET = "standin-client-secret"  # noqa: S105 - opens nothing but the stand-in on this machine
DEFAULT_PORT = 8099


def google_settings(base_url: str) -> dict[str, str]:
    """The portal's settings, by environment name, that make the stand-in at `base_url` its Google."""
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
