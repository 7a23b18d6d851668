"""Pictures and files stored by the portal, in the instance folder."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import uuid as uuidlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import exists, or_, select

from portal.domain.messages import Message
from portal.domain.texts import line_problem
from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import db, settings, transaction
from portal.models import Media, Offering, Organization, media_uses
from portal.policies import ANONYMOUS, Actor, managed_organizations, visible_offerings

MAX_BYTES = 16 * 1024 * 1024
_CONTENT_TYPE = re.compile(
    r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,40}(; ?charset=[a-z0-9-]{1,20})?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A stored file: its row, the path of its bytes, and whether anyone may read it."""

    media: Media
    path: Path
    public: bool


def store_media(actor: Actor, name: str, content_type: str, data: bytes, uuid: uuidlib.UUID | None = None) -> Media:
    """Store a picture or file, which `/api/media/<uuid>/` serves. Staff may replace one by giving its `uuid`.

    Raises Forbidden unless the actor manages an organization; Invalid if the file is empty or too large, or if its name
    or content type is not valid.
    """
    _need_manager(actor)
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise Invalid(
            Message("This is not a content type: %(content_type)s.", content_type=repr(content_type)), "content_type"
        )
    if not data:
        raise Invalid(Message("The file is empty."), "data")
    if len(data) > MAX_BYTES:
        raise Invalid(
            Message("The file is larger than %(most)s MiB.", most=MAX_BYTES // 1024 // 1024),
            "data",
        )
    if problem := line_problem(name):
        # It becomes a header.
        raise Invalid(Message("The file's name %(problem)s.", problem=problem), "name")
    with transaction() as session:
        media = session.scalar(select(Media).where(Media.uuid == uuid)) if uuid else None
        if media is None:
            media = Media(uuid=uuid or uuidlib.uuid4())
            session.add(media)
        elif not actor.is_staff:
            raise Forbidden
        media.name = name
        media.content_type = content_type
        media.size = len(data)
        media.digest = hashlib.sha256(data).hexdigest()
        session.flush()
        _write(_path(media.uuid), data)
    return media


def open_media(actor: Actor, uuid: uuidlib.UUID) -> StoredMedia:
    """The file, if the actor can see an offering that refers to it, or if no offering does. Raises NotFound."""
    uses, named = media_uses, select(media_uses.c.offering_id).where(media_uses.c.media_uuid == uuid)
    seen = select(Offering.id).join(uses, uses.c.offering_id == Offering.id).where(uses.c.media_uuid == uuid)
    row = db.session.execute(
        select(Media, exists(seen.where(visible_offerings(ANONYMOUS))), ~exists(named)).where(
            Media.uuid == uuid, or_(~exists(named), exists(seen.where(visible_offerings(actor))))
        )
    ).one_or_none()
    path = _path(uuid)
    if row is None or not path.is_file():
        raise NotFound("File")
    return StoredMedia(row[0], path, bool(row[1] or row[2]))


def _need_manager(actor: Actor) -> None:
    if actor.is_staff:
        return
    manages = exists(select(Organization.id).where(managed_organizations(actor)))
    if not db.session.scalar(select(manages)):
        raise Forbidden


def _path(uuid: uuidlib.UUID) -> Path:
    return settings().instance_path / "media" / str(uuid)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
