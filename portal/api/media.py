"""/api/media/{uuid}/: pictures and files kept by this portal, for anybody who knows the address."""

from __future__ import annotations

from flask import Response, send_file

from portal.api.guards import public
from portal.api.params import wanted_uuid
from portal.api.routing import resource
from portal.services.media import open_media

# An uploaded file is never a page of ours, whatever it holds.
CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# A file can be replaced under its uuid, though that is rare; the ETag then tells.
LIFETIME_SECONDS = 24 * 3600


def media_retrieve(segment: str) -> Response:
    """The file as an attachment, in ranges where the client asks for them."""
    kept = open_media(wanted_uuid(segment, "File"))
    response = send_file(
        kept.path,
        mimetype=kept.media.content_type,
        as_attachment=True,
        download_name=kept.media.name or str(kept.media.uuid),
        conditional=True,
        etag=kept.media.digest,
        max_age=LIFETIME_SECONDS,
    )
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Pictures are shown by pages of other origins that use the API.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


resource("/api/media/<segment>/", "media_retrieve", guard=public, get=media_retrieve, produces=None)
