"""perijove's own dialect: a TOML file, or the options of the command line, which are the same in another spelling.

`schema` is what may be written (and the only place that knows pydantic), `lower` what it means, `write` the way back to text,
`reference` the documentation of every key.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from perijove.config import Loaded
from perijove.text.diagnostic import Diagnostic, Severity, has_errors
from perijove.text.source import Source, Span

if TYPE_CHECKING:
    from perijove.config.toml.schema import Config
    from perijove.gateway.model import Gateway

__all__ = ["load", "load_table", "parse"]


def load(source: Source) -> Loaded:
    """Read a TOML text."""
    gateway, diagnostics = meaning(source)
    return Loaded(source, None if has_errors(diagnostics) else gateway, diagnostics)


def meaning(source: Source) -> tuple[Gateway | None, tuple[Diagnostic, ...]]:
    """Return what a TOML text means, whatever is wrong with it, and what is to be said of it; None if it means nothing."""
    config, diagnostics = parse(source)
    return _lowered(source, config, diagnostics)


def load_table(table: dict[str, Any]) -> Loaded:
    """Read what options of the command line say; keys are spelt as in TOML."""
    from perijove.config.toml.schema import validate

    source = Source("<options>", "")
    config, said = validate(source, table)
    gateway, diagnostics = _lowered(source, config, said)
    return Loaded(source, None if has_errors(diagnostics) else gateway, diagnostics)


def parse(source: Source) -> tuple[Config | None, list[Diagnostic]]:
    """Return what is written, checked for itself, and what is to be said of it."""
    from perijove.config.toml.schema import validate

    try:
        table = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(source, error)]
    except RecursionError:
        return None, [_nested()]
    return validate(source, table)


def _lowered(
    source: Source, config: Config | None, diagnostics: list[Diagnostic]
) -> tuple[Gateway | None, tuple[Diagnostic, ...]]:
    from perijove.config.toml.lower import lower

    if config is None:
        return None, tuple(diagnostics)
    gateway, more = lower(source, config)
    return gateway, (*diagnostics, *more)


def _nested() -> Diagnostic:
    return Diagnostic(
        name="toml-syntax",
        severity=Severity.ERROR,
        message="this is not read: tables or lists stand in each other hundreds deep",
        help="no key needs more than a few levels",
    )


def _syntax(source: Source, error: tomllib.TOMLDecodeError) -> Diagnostic:
    from parse_errors.source_map import decode_error_message, locate_decode_error

    found = locate_decode_error(error)
    lines = source.text.splitlines() or [""]
    where = Span(source, found.line + 1, found.column + 1) if found else Span(source, len(lines), len(lines[-1]) + 1)
    text = decode_error_message(error).split(" (at ", 1)[0]
    return Diagnostic(
        name="toml-syntax",
        severity=Severity.ERROR,
        message=f"this is not TOML: {text[:1].lower()}{text[1:]}",
        where=where,
        help='strings stand in quotes (`listen = ":8080"`), tables in brackets (`[tls]`), lists of tables in two (`[[route]]`)',
    )
