"""/api/media/{uuid}/: pictures and files kept by this portal, for those who see an offering that names them.

Pages show them as pictures, with which browsers send no token: only here, the API accepts the session as well.
"""

from __future__ import annotations

from flask import Response, request, send_file
from flask_login import current_user

from portal.api.auth import actor_if_any
from portal.api.guards import public
from portal.api.params import wanted_uuid
from portal.api.routing import resource
from portal.domain.http_headers import NO_STORE
from portal.policies import ANONYMOUS, Actor
from portal.services.media import open_media

# A file is never a page of the portal, whatever it contains.
CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# The longest time for which a cache may keep a file that has been replaced or hidden.
LIFETIME_SECONDS = 300


def media_retrieve(segment: str) -> Response:
    """The file as an attachment, in ranges where the client asks for them."""
    kept = open_media(_reader(), wanted_uuid(segment, "File"))
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
    # Pages of other origins that use the API may show public pictures.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if kept.public else "same-origin"
    if not kept.public:
        response.headers["Cache-Control"] = NO_STORE
    return response


def _reader() -> Actor:
    if "Authorization" in request.headers:
        return actor_if_any()
    return Actor(current_user.user_id, current_user.is_staff) if current_user.is_authenticated else ANONYMOUS


resource("/api/media/<segment>/", "media_retrieve", guard=public, get=media_retrieve, produces=None)
