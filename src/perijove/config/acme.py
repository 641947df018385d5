"""The answers of an ACME client, which certbot and its like put into a folder (RFC 8555 §8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.gateway.rules import PathPrefix, Rule, ServeFile, Then

if TYPE_CHECKING:
    from perijove.text.source import Span

_CHALLENGES: Final = b"/.well-known/acme-challenge/"


def answers(folder: str, origin: Span | None = None) -> Rule:
    """Return the rule that gives the answers of a webroot: its path, and the type of the RFC's example."""
    directory = folder.rstrip("/") + _CHALLENGES.decode().rstrip("/")
    return Rule(PathPrefix(_CHALLENGES), ServeFile(directory, "application/octet-stream"), Then.STOP, origin)
