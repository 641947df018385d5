"""Arguments of logs: what a line has, and where it is written, in directories that must be there.

Sources: modules/loggers/mod_log_config.c, server/core.c, server/log.c. Knows what `apachectl configtest`
says. perijove's own log is another, and it writes none of these.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import Check, complaint, said
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

_LEVELS: Final = frozenset(
    ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", *(f"trace{one}" for one in range(1, 9)))
)
_LEVEL_WORDS: Final = "Log level keyword must be one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8"
_STATIC: Final = frozenset(("core", "http", "log_config", "logio", "so", "unixd", "version", "watchdog"))
# %{…}, statuses, < and >, then a letter or ^ with two or three (parse_log_item).
_ITEM: Final = re.compile(r"%(?:%|(?:[0-9,!<>]|\{[^}]*\})*(\^[A-Za-z]{2,3}|.)?)", re.DOTALL)
_ITEMS: Final = frozenset((*"aAbBCDefhHiklLmnopPqrRstTuUvVX", *"IOS", "^ti", "^to", "^FB"))
# %, flags and a width, {…}, and a letter (parse_errorlog_item).
_ERROR_ITEM: Final = re.compile(r"%([-+0-9]*)(?:\{[^}]*(\}?))?([-+0-9]*)(.?)", re.DOTALL)
_ERROR_ITEMS: Final = frozenset("aAeEFiklLmMnPtTvV% ")
# Distributions' packages of httpd make theirs here, and take them away again: this machine need not have one.
_PACKAGED: Final = "/var/log/"


def directory(item: Directive | Section, scope: Scope) -> Fault | None:
    """ErrorLog, CustomLog and their like: a file in a directory that is there, a program, or syslog."""
    name = said(item)
    if name.startswith("|") or fold(name).startswith("syslog") or "${" in name:  # that variable has been told of
        return None
    folder = os.path.dirname(os.path.join(scope.root, name))
    if os.path.isdir(folder) or folder.startswith(_PACKAGED):
        return None
    log = "main error log" if item.name == "ErrorLog" else f"log file '{name}'"
    if item.name == "ErrorLog" and scope.sections:
        log = "error log of vhost"
    message = f"Cannot access directory '{folder}/' for {log}"
    return Fault("no-log-directory", message, f"`mkdir -p {folder}`, or take the line out: perijove does not write this log", 0)


def level(item: Directive | Section, scope: Scope) -> Fault | None:
    """LogLevel: a level, or a module's (core.c: set_loglevel)."""
    for number, word in enumerate(item.words):
        module, colon, said = word.text.rpartition(":")
        if fold(said) not in _LEVELS:
            prefix = f"{word.text}: " if colon else ""
            return Fault("bad-value", prefix + _LEVEL_WORDS, "write `warn`, `info` or `debug`", number)
        name = module.removesuffix("_module").removeprefix("mod_").removesuffix(".c")
        if colon and not scope.strangers and name not in scope.modules | _STATIC:
            return Fault("module-missing", f"Cannot find module {module}", "leave it out, or load the module", number)
    return None


def _format(text: str, number: int, scope: Scope) -> Fault | None:
    for found in _ITEM.finditer(text):
        if found[0] == "%%":
            continue
        if found[1] is None:
            message = "Ran off end of LogFormat parsing args to some directive"
            return Fault("bad-format", message, "say what is meant: `%{Cookie}i`", number)
        known = _ITEMS | {"c", "x"} if "ssl" in scope.modules else _ITEMS
        if found[1] not in known and not scope.strangers:
            return Fault("bad-format", f"Unrecognized LogFormat directive %{found[1]}", "write `%%` for a percent sign", number)
    return None


def log_format(item: Directive | Section, scope: Scope) -> Fault | None:
    """LogFormat: what a line of the access log has (mod_log_config.c)."""
    return _format(item.words[0].text, 0, scope) if item.words else None


def custom_log(item: Directive | Section, scope: Scope) -> Fault | None:
    """CustomLog: a file, a format, and perhaps a condition."""
    words = [one.text for one in item.words]
    if len(words) == 3 and not fold(words[2]).startswith(("env=", "expr=")):
        return Fault("bad-value", "error in condition clause", "write `env=NAME`, `env=!NAME` or `expr=…`", 2)
    if len(words) == 3 and fold(words[2]).startswith("expr="):
        found = complaint(words[2][5:], item, scope)
        if found is not None:
            return Fault("bad-expression", f"{found[0]} in condition clause", found[1], 2)
    wrong = _format(words[1], 1, scope) if len(words) > 1 and "%" in words[1] else None
    return wrong or directory(item, scope)


def error_format(item: Directive | Section, scope: Scope) -> Fault | None:
    """ErrorLogFormat: what kind of lines, and of what they are made (core.c: set_errorlog_format)."""
    words = [one.text for one in item.words]
    if len(words) == 2 and fold(words[0]) not in ("request", "connection"):
        message = "ErrorLogFormat type must be one of request, connection"
        return Fault("bad-value", message, "write `request` or `connection` first", 0)
    text, last = words[-1], len(words) - 1
    for found in _ERROR_ITEM.finditer(text):
        flags, closed, more, letter = found.groups()
        if closed == "" or not letter:
            message = "Ran off end of error log format parsing args to some directive"
            return Fault("bad-format", message, "write `%%` for a percent sign, and close `{`", last)
        if letter not in _ERROR_ITEMS:
            message = f"Unrecognized error log format directive %{letter}"
            return Fault("bad-format", message, "write `%%` for a percent sign", last)
        if "+" in flags + more and len(words) == 1:
            message = "The '+' flag cannot be used in the main error log format"
            return Fault("bad-format", message, "leave the `+` out", last)
    if len(words) == 1 and not any(found[4] == "M" for found in _ERROR_ITEM.finditer(text)):
        message = "main ErrorLogFormat must contain message format string '%M'"
        return Fault("bad-format", message, "put `%M` where the message is to be", 0)
    return None


LOGS: Final[dict[str, Check]] = {
    "CustomLog": custom_log,
    "ErrorLog": directory,
    "ErrorLogFormat": error_format,
    "GlobalLog": custom_log,
    "LogFormat": log_format,
    "LogLevel": level,
    "TransferLog": directory,
}
