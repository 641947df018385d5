"""Which files an Include names: one, all of a folder, or those that a pattern fits, each folder in the order of its octets.

Knows the file system and httpd's ap_process_fnmatch_configs(). Must not know what is in the files.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat

# AP_MAX_INCLUDE_DEPTH and AP_MAX_INCLUDE_DIR_DEPTH of Debian's build.
DEPTH = 128
FOLDERS = 20


class NotFoundError(Exception):
    """What cannot be included, in Apache's words."""


def find(name: str, root: str, *, optional: bool) -> list[str]:
    """Return the paths of the files that are to be read, in order; raise NotFoundError with Apache's message."""
    path = os.path.normpath(os.path.join(root, name))
    if not _has_pattern(path):
        if optional and not os.path.lexists(path):
            return []
        return _files(path, 0)
    found: list[str] = []
    _match("/", path.lstrip("/"), found, optional)
    return found


def _has_pattern(name: str) -> bool:
    """Tell what apr_fnmatch_test() does: brackets count when they are closed."""
    at = 0
    open_bracket = False
    while at < len(name):
        c = name[at]
        if c in "?*":
            return True
        if c == "\\":
            at += 1
        elif c == "[":
            open_bracket = True
        elif c == "]" and open_bracket:
            return True
        at += 1
    return False


def _match(folder: str, rest: str, found: list[str], optional: bool) -> None:
    name, _, below = rest.partition("/")
    if not _has_pattern(name):
        path = os.path.join(folder, name)
        if below:
            _match(path, below, found, optional)
        elif not (optional and not os.path.lexists(path)):
            found += _files(path, 0)
        return
    try:
        entries = sorted(os.listdir(folder), key=os.fsencode)
    except OSError as error:
        if optional:
            return
        raise NotFoundError(f"Include/IncludeOptional: Could not open directory {folder}: {error.strerror}") from None
    fits = re.compile(fnmatch.translate(name.replace("[^", "[!"))).fullmatch
    # APR_FNM_PERIOD: a leading dot is matched by a dot only.
    entries = [one for one in entries if fits(one) and (not one.startswith(".") or name.startswith("."))]
    if below:
        entries = [one for one in entries if os.path.isdir(os.path.join(folder, one))]
    if not entries and not optional:
        raise NotFoundError(f"Include/IncludeOptional: No matches for the wildcard '{name}' in '{folder}', failing")
    for one in entries:
        path = os.path.join(folder, one)
        if below:
            _match(path, below, found, optional)
        else:
            found += _files(path, 0)


def _files(path: str, depth: int) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    if depth == FOLDERS:
        raise NotFoundError(
            f"Include/IncludeOptional: Directory '{path}' exceeds the maximum include directory nesting level of {FOLDERS}. "
            "You have probably a recursion somewhere."
        )
    found = []
    try:
        entries = sorted(os.listdir(path), key=os.fsencode)
    except OSError as error:
        raise NotFoundError(f"Include/IncludeOptional: Could not open directory {path}: {error.strerror}") from None
    for one in entries:
        found += _files(os.path.join(path, one), depth + 1)
    return found


def text(path: str) -> str:
    """Return what is in a file; raise NotFoundError with Apache's message."""
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) and path != os.devnull:
                raise NotFoundError(f"Could not open configuration file {path}: not a regular file")
            return file.read().decode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NotFoundError(f"Could not open configuration file {path}: {reason}") from None
