"""API tokens created with a password (`POST /api-auth/password/`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select

from portal.extensions import transaction
from portal.models import ApiToken
from portal.models.base import utcnow
from portal.services.accounts import NewToken, actor_of, create_token
from portal.services.sign_in import sign_in

SIGN_IN_TOKEN_NAME = "API sign-in"  # noqa: S105 - a name, not a secret
# Otherwise a script that signs in on every run would leave a token behind each time.
SIGN_IN_TOKENS_KEPT = 20


def token_for_password(email: str, password: str, address: str, *, now: datetime | None = None) -> NewToken:
    """A new API token for the user with this address and password, which expires after TOKEN_DAYS.

    Of a user's tokens that were created here (named SIGN_IN_TOKEN_NAME) only the SIGN_IN_TOKENS_KEPT most recently used
    or created ones are kept. Raises what sign_in raises: Invalid, TooManyAttempts.
    """
    now = now or utcnow()
    user = sign_in(email, password, address, now=now)
    actor = actor_of(user)
    with transaction() as session:
        token = create_token(actor, user.id, SIGN_IN_TOKEN_NAME, notify=False, now=now)
        kept = (
            select(ApiToken.id)
            .where(ApiToken.user_id == user.id, ApiToken.name == SIGN_IN_TOKEN_NAME)
            .order_by(func.coalesce(ApiToken.last_used, ApiToken.created).desc(), ApiToken.id.desc())
            .limit(SIGN_IN_TOKENS_KEPT)
        )
        session.execute(
            delete(ApiToken).where(
                ApiToken.user_id == user.id,
                ApiToken.name == SIGN_IN_TOKEN_NAME,
                ApiToken.id.not_in(kept),
            )
        )
    return token
