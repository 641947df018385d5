r"""A file begins with a mark that Apache takes for a part of the first word.

## What it finds

U+FEFF, the byte order mark, as the first character. Editors on Windows write it and do not show it.

## Why it hurts

UTF-8 has no need of it. For Apache the first directive has a name that nobody knows; TOML does not allow it.

## What a user sees

Apache does not start: `</VirtualHost> without matching <VirtualHost> section`, if that is the first line; else
`Invalid command '\xef\xbb\xbfListen', perhaps misspelled or defined by a module not included in the server configuration`.

## Example

```console
$ head -c 3 hub.conf | od -c
0000000 357 273 277
```

## Use instead

UTF-8 without it; `--fix` takes it out, and so does

```console
$ sed -i '1s/^\xef\xbb\xbf//' hub.conf
```

## Sources

- [RFC 3629 §6](https://www.rfc-editor.org/rfc/rfc3629#section-6)
- httpd's `ap_build_config` (server/config.c), which takes every octet as it is
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import MARK, Subject
from perijove.text.diagnostic import Edit, Fix, Severity
from perijove.text.source import Span

SEVERITY = Severity.ERROR
STOPS = 0


def find(subject: Subject) -> Iterator[Finding]:
    """Yield the mark of each file that has one."""
    for source in subject.sources.values():
        if source.text[:1] == MARK:
            own = subject.reading is None
            yield Finding(
                "the file begins with a byte order mark (U+FEFF)",
                Span(source, 1),
                "it is not read as TOML"
                if own
                else "Apache does not start: </VirtualHost> without matching section, or Invalid command '\\xef\\xbb\\xbf…'",
                "save it as UTF-8 without the mark",
                Fix("take the mark out", (Edit(source, 0, 1, ""),)),
            )
