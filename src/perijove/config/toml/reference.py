"""The reference manual of the TOML dialect, made from the schema: `python -m perijove.config.toml.reference`."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from perijove.config.toml import schema
from perijove.gateway.rules import Variable

_TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", schema.Config),
    ("`[tls]`", schema.Tls),
    ("`[[route]]`", schema.Route),
    ("`[[host]]`", schema.Host),
    ("`[host.tls]`", schema.HostTls),
    ("`[upstream.NAME]`", schema.Upstream),
    ("`request-fields` and `response-fields`", schema.Fields),
    ("`respond`", schema.Respond),
    ("`redirect`", schema.Redirect),
    ("`[timeouts]`", schema.Timeouts),
    ("`[upstream.NAME.timeouts]`", schema.UpstreamTimeouts),
    ("`[limits]`", schema.Limits),
)

_HEAD = """# The TOML file

Every key that `perijove serve FILE.toml` knows. `perijove serve --check-config FILE.toml` checks a file, and
`perijove show-config FILE.toml` prints it with every value that is in force.

A full production site:

```toml
listen = ":443"
redirect-http = ":80"
access-log = "/var/log/perijove/access.log"

[tls]
cert = "/etc/letsencrypt/live/hub.example.org/fullchain.pem"
key = "/etc/letsencrypt/live/hub.example.org/privkey.pem"

[[route]]
path = "/jupyter/"
to = "http://127.0.0.1:8000"
```
"""


def _default(field: Any) -> str:
    if field.default is PydanticUndefined or field.default is None:
        return "–" if not field.is_required() else "required"
    if isinstance(field.default, BaseModel):
        return "see below"
    if isinstance(field.default, float):
        return "`off`" if field.default == 0 else f"`{field.default:g}` s"
    return f"`{json.dumps(field.default)}`" if field.default not in ({}, []) else "–"


def reference() -> str:
    """Return the page as Markdown."""
    lines = [_HEAD]
    for title, model in _TABLES:
        lines += [f"## {title}", ""]
        if model.__doc__:
            lines += [" ".join(model.__doc__.split()), ""]
        lines += ["| key | default | meaning |", "|---|---|---|"]
        for name, field in model.model_fields.items():
            meaning = (field.description or "").replace("|", "\\|")
            lines.append(f"| `{name.replace('_', '-')}` | {_default(field)} | {meaning} |")
        lines.append("")
    lines += ["## Variables", "", "In the values of fields, redirections and answers; `{{` is a brace.", ""]
    lines += [", ".join(f"`{{{one.value}}}`" for one in Variable) + ".", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(reference(), end="")
