"""A proof, as it is written down: what users see of a fault that a check finds, and what they see when it is mended.

A folder of `proofs` is called as the check is, another of the same check `CHECK.MORE`, and has

- `broken.conf`, as a user has it; `fixed.conf` if the check has no fix that can be typed: what its page says instead;
- `jupyterhub_config.py`, if the check needs it; `modules` in `proof.toml` says which are not loaded before;
- `proof.toml`: where the check finds it, and the probes. `Proof` and `Probe` say what may be in it.

Ports are written `{PORT}` (of Apache), `{HUB}`, `{APP}`, `{APP_TLS}` and `{DEAD}`, files `{CERT}`, `{CA}` and `{USERS}`, whose
only one is alice and `{LOGIN}` what her browser says in `Authorization`, the rest of what differs from run to run `{BASE}` and `{USER}`. Knows files. Must not know servers, nor what a check does.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

PROOFS: Final = Path(__file__).with_name("proofs")
# Debian's, with what the pages say to enable.
_LOADED: Final = (
    "mpm_event",
    "auth_basic",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_host",
    "authz_user",
    "env",
    "setenvif",
    "alias",
    "headers",
    "rewrite",
    "ssl",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing that a user does. What it shows is in `before` and `after`, of which all must be true.

    There: `status`; `body`, `cookies`, `apache_log` and `hub_log`, of which a part is given (of logs, with one space for any); `location`; `prints`, of a kernel or an echo;
    `endless`, of redirects; `refused`, what configtest says; `starts`, of Apache.
    """

    get: str = ""  # a page
    follow: bool = False  # its redirects
    style: bool = False  # ask for the page's first style sheet instead
    fields: dict[str, str] = field(default_factory=dict)
    through: str = ""  # a URL, with Apache as the browser's forward proxy
    save: bool = False  # a file, as JupyterLab does
    log_in: str = ""  # the page with the form; use it, and see one's home
    kernel: bool = False  # run `6 * 7` in a notebook's kernel
    websocket: str = ""  # say something to an echo
    start: bool = False  # have Apache read the file

    host: str = "hub.example.org:{PORT}"
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A folder of `proofs`."""

    name: str
    at: str  # what stands in the line in which the check finds it, the first such line
    probes: tuple[Probe, ...]
    base: str = "root"  # of the hub, as `BASES` in conftest.py names it; `chp-` before it: with configurable-http-proxy inside; `remote-user`: one that believes the field
    restarted: str = ""  # the base of the hub when it is fixed, if its own configuration must be changed, too
    without: tuple[str, ...] = ()  # modules that are not loaded
    enable: tuple[str, ...] = ()  # of these, what the fix is
    options: tuple[str, ...] = ()  # of `perijove check`
    unsafe: bool = False  # the fix is one of --unsafe-fixes
    also: tuple[str, ...] = ()  # what other checks find in broken.conf, errors and warnings
    left: tuple[str, ...] = ()  # what they find when it is fixed: warnings

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it."""
        said = tomllib.loads((folder / "proof.toml").read_text())
        probes = tuple(Probe(**one) for one in said.pop("probe"))
        return cls(
            name=folder.name, probes=probes, **{key: tuple(one) if isinstance(one, list) else one for key, one in said.items()}
        )

    @property
    def check(self) -> str:
        """Return the check's name."""
        return self.name.partition(".")[0]

    @property
    def folder(self) -> Path:
        return PROOFS / self.name

    @property
    def shown(self) -> bool:
        """Tell whether the fault itself can be shown with this Apache."""
        return all(one.before for one in self.probes)

    def modules(self, *, fixed: bool) -> tuple[str, ...]:
        """Return the modules that Apache loads."""
        missing = set(self.without) - set(self.enable if fixed else ())
        return tuple(one for one in _LOADED if one not in missing)


def proofs() -> dict[str, Proof]:
    """Return all proofs, by name."""
    return {one.parent.name: Proof.read(one.parent) for one in sorted(PROOFS.glob("*/proof.toml"))}


def named(value: Any, values: dict[str, str]) -> Any:
    """Return a text, or what has texts in it, with values for names."""
    if isinstance(value, str):
        for name, text in values.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {key: named(one, values) for key, one in value.items()}
    return value
