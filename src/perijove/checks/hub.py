"""What `jupyterhub_config.py` says of how the hub listens. It is read, and never run.

Knows Python's grammar and the hub's names. Must not know what a proxy does with it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from perijove.text.source import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perijove.text.source import Source

_ADDRESS: Final = ("bind_url", "ip", "port", "base_url", "ssl_cert", "ssl_key")
_DEFAULT: Final = "http://:8000/"


@dataclass(frozen=True, slots=True)
class Said:
    """A value that is written there, and where; None if it is worked out when the file runs."""

    value: object
    span: Span


@dataclass(frozen=True, slots=True)
class Hub:
    """What is known of a hub: of its `c.JupyterHub.…`, the last that was said of each."""

    source: Source
    said: Mapping[str, Said] = field(default_factory=dict)

    def where(self, *names: str) -> Span:
        """Return where the first of these that was said is written, or the file's beginning."""
        return next((self.said[name].span for name in names if name in self.said), Span(self.source, 1))

    def text(self, name: str) -> str | None:
        """Return a value that is a text."""
        value = self.said[name].value if name in self.said else None
        return value if isinstance(value, str) else None

    @property
    def url(self) -> SplitResult:
        """Where the hub's own proxy listens, as far as it is known: the default is http://:8000 (jupyterhub/app.py)."""
        bound = self.text("bind_url")
        if bound is None:
            port = self.said["port"].value if "port" in self.said else 8000
            scheme = "https" if self.secure else "http"
            bound = f"{scheme}://{self.text('ip') or ''}:{port}{self.text('base_url') or '/'}"
        return _split(bound) or urlsplit(_DEFAULT)

    @property
    def told(self) -> bool:
        """Tell whether all that says where it listens is written out, and is a URL."""
        bound = self.text("bind_url")
        written = all(self.said[name].value is not None for name in _ADDRESS if name in self.said)
        return written and (bound is None or _split(bound) is not None)

    @property
    def secure(self) -> bool:
        """Tell whether it speaks TLS: only with a key and a certificate, whatever the URL says."""
        return bool(self.text("ssl_cert") or self.text("ssl_key"))

    @property
    def base_url(self) -> str:
        """The path that everything is below, with a slash at both ends."""
        path = (self.text("base_url") or self.url.path).strip("/")
        return f"/{path}/" if path else "/"


def read(source: Source) -> Hub | str:
    """Return what a configuration of a hub says, or why it cannot be read."""
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    said: dict[str, Said] = {}
    for node in sorted((one for one in ast.walk(tree) if isinstance(one, ast.Assign)), key=lambda one: one.lineno):
        for target in node.targets:
            if (
                isinstance(target, ast.Attribute)
                and isinstance(target.value, ast.Attribute)
                and target.value.attr == "JupyterHub"
            ):
                said[target.attr] = Said(_literal(node.value), _span(source, node))
    return Hub(source, said)


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL; None if it is none."""
    try:
        found = urlsplit(url)
        return found if found.port is None or found.port else None
    except ValueError:
        return None


def _literal(node: ast.expr) -> object:
    try:
        found: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return found


def _span(source: Source, node: ast.stmt) -> Span:
    end = node.end_col_offset if node.end_lineno == node.lineno and node.end_col_offset is not None else node.col_offset + 1
    return Span(source, node.lineno, node.col_offset + 1, end - node.col_offset)
