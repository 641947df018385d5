"""The checklist that people follow, each box ticked, crossed, or said why it cannot be.

The boxes are those of the page that this came from (github.com/jupyterhub/jupyterhub/issues/219). Knows names of checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.checks.logs import apache, jupyter
from perijove.checks.sites import upgraded
from perijove.text.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.checks.run import Report
    from perijove.checks.subject import Subject


@dataclass(frozen=True, slots=True)
class Box:
    """A line of the checklist: which findings cross it, and what keeps it from being told."""

    text: str
    names: frozenset[str]
    untold: Callable[[Subject], str]
    of_apache: bool = False  # perijove's own configurations have nothing to do with it


@dataclass(frozen=True, slots=True)
class Mark:
    """A box with its mark: True ticked, False crossed, None could not be told."""

    text: str
    mark: bool | None
    because: str = ""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _works(subject: Subject) -> str:
    if not subject.sites and subject.gateway is None:
        return "Apache does not start with it" if subject.reading is not None else "perijove does not start with it"
    if not subject.sites:
        return "nothing here leads to a hub"
    return "" if all(upgraded(site.socket) for site in subject.sites) else "no WebSocket reaches the hub"


def _version(subject: Subject) -> str:
    if subject.known.version is not None:
        return ""
    return "no version was given: `apachectl -v` shows it, `--apache-version` says it"


def _modules(subject: Subject) -> str:
    if subject.modules is not None:
        return ""
    return "no file that was read loads modules: `apachectl -M` lists them, `--modules` says them"


def _hub(subject: Subject) -> str:
    if subject.known.hub is None:
        return "the hub's own configuration was not given: `--hub jupyterhub_config.py`"
    return "" if subject.known.hub.told else f"{subject.known.hub.source.name} works its address out when it runs"


def _logs(_subject: Subject) -> str:
    return "no log was given: `--log /var/log/apache2/error.log`"


def _text(_subject: Subject) -> str:
    return ""


_LOGS: Final = "Apache's logs were looked at"
_CHECKLIST: Final = (
    Box(
        "It does what the working configurations of issue 219 do: pages and WebSockets reach the hub",
        _names("""websocket-route-missing websocket-route-incomplete websocket-path-differs hub-pages-not-mapped
        hub-host-not-preserved host-and-origin-edited origin-edit-mismatch slash-mismatch prefix-changed
        location-pattern-literal location-wildcard-is-pattern pattern-target-slash proxypass-unreachable query-in-target
        rewrite-hides-proxypass trailing-comment placeholder-left tls-upstream-without-sslproxyengine hub-not-at-base-url
        main-server-shadows-host host-never-reached tls-not-switched-on balancer-without-sessions"""),
        _works,
    ),
    Box("Apache is 2.4 or higher", _names("apache-too-old feature-needs-newer-apache"), _version, of_apache=True),
    Box("mod_proxy_wstunnel is enabled, or not needed", _names("wstunnel-missing"), _modules, of_apache=True),
    Box(
        "proxy, proxy_http and headers are enabled, as far as they are used",
        _names("module-not-loaded scheme-without-module"),
        _modules,
        of_apache=True,
    ),
    Box(_LOGS, frozenset(one.name for one in (*apache.FAMILIES, *jupyter.FAMILIES)), _logs, of_apache=True),
    Box(
        "Nothing is misspelt: paths are the same everywhere", _names("path-misspelt placeholder-left unknown-directive"), _text
    ),
    Box("The hub listens where the proxy looks for it", _names("hub-not-where-proxied hub-open-to-network"), _hub),
    Box("TLS ends at one place: proxy and hub agree whether it is spoken between them", _names("tls-on-one-side"), _hub),
)


def marked(report: Report) -> list[Mark]:
    """Return the checklist of a report."""
    bad = {one.name for one in report.diagnostics if one.severity is not Severity.ADVICE}
    found = []
    for box in _CHECKLIST:
        own = report.subject.reading is None and not report.subject.nothing
        if box.of_apache and own and not (box.text == _LOGS and report.logs):
            continue
        because = "" if box.text == _LOGS and report.logs else box.untold(report.subject)
        if box.names & bad:
            found.append(Mark(box.text, False, ", ".join(sorted(box.names & bad))))
        else:
            found.append(Mark(box.text, None if because else True, because))
    return found
