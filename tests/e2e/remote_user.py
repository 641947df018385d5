"""A hub's authenticator that believes the field Remote-User, as those of hubs behind a proxy's sign-on do.

A hub of the tests reads it from its own folder.
"""

from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from tornado.web import HTTPError


class _Login(BaseHandler):  # type: ignore[misc]
    async def get(self) -> None:
        user = await self.login_user()
        if user is None:
            raise HTTPError(401, "there is no Remote-User")
        self.redirect(self.get_next_url(user))


class RemoteUser(Authenticator):  # type: ignore[misc]
    """Whoever the field names is logged in."""

    auto_login = True

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """Return the page that users are sent to in place of the form."""
        return [("/login", _Login)]

    async def authenticate(self, handler: Any, data: Any = None) -> str | None:
        """Return whom the field names."""
        name: str | None = handler.request.headers.get("Remote-User")
        return name or None
