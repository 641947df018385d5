"""What a supervisor is given: a configuration that was read, and what else is to listen; and what it says of a reload.

Knows shapes. Must not know which dialect a configuration is in, nor who listens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from perijove.gateway.model import Gateway
    from perijove.server.files import Contents
    from perijove.text.diagnostic import Diagnostic


class Loaded(Protocol):
    """A configuration that was read."""

    @property
    def gateway(self) -> Gateway | None:
        """What to serve; None if a diagnostic is an error."""

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """What is to be said of it."""

    @property
    def files(self) -> Sequence[str]:
        """The paths of what was read."""


@dataclass(frozen=True)
class Unread:
    """A configuration that was not read, and why."""

    diagnostics: Sequence[Diagnostic]
    files: Sequence[str]  # that would have been read
    gateway: Gateway | None = None


class Closing(Protocol):
    """What listens beside the workers."""

    def close(self) -> None:
        """Listen no more."""


class Renewing(Closing, Protocol):
    """What listens with files of the gateway's: certificates."""

    def renew(self, contents: Contents) -> None:
        """Go by what the files hold now, which was found to be sound."""


@dataclass
class Outcome:
    """How a reload went."""

    at: float  # seconds since 1970
    reloaded: bool
    why: list[str] = field(default_factory=list)  # what is wrong, each as a person reads it
    diagnostics: Sequence[Diagnostic] = ()
