"""Files of the disk: DocumentRoot, <Directory> and <Files>, DirectoryIndex, types.

Sources: ap_core_translate and default_handler (server/core.c), ap_directory_walk and ap_file_walk (server/request.c),
mod_dir.c. Knows what is said of files. Must not know what is proxied, but that it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache import reasons
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.media import media
from perijove.config.apache.patterns import compiled
from perijove.config.apache.scope import Kind, Scope
from perijove.config.apache.words import octets
from perijove.gateway.conditions import (
    All,
    Always,
    Compares,
    Comparison,
    Condition,
    Disk,
    HasNote,
    Matches,
    Not,
    NotEmpty,
    OnDisk,
    Pattern,
    both,
)
from perijove.gateway.conditions import Any as Any_
from perijove.gateway.rules import Media, Refuse, Rewrite, ServeTree, SetNote, Then, UnsetNote
from perijove.gateway.templates import Call, Fact, Function, Note, Part

if TYPE_CHECKING:
    from perijove.config.apache.directive import Section
    from perijove.config.apache.host import Host

FILE: Final = b" file"  # the variable of a file's path: no directive can set one of that name
# Notes of a directory whose own file is asked for: the number of its name, the directory's path, and where it is on the disk.
_INDEX: Final = b"\0index"
_DIRECTORY: Final = b"\0directory"
_FOLDER: Final = b"\0folder"
_FALLBACK: Final = b"\0fallback"  # the note of a request that FallbackResource has sent elsewhere
_NOWHERE: Final[Condition] = Not(NotEmpty((Fact.DESTINATION,)))


def section(scope: Scope, one: Section, name: str) -> Scope | None:
    """Return the scope of <Directory>, <Files> and their like: for what is no file, and so for all that is proxied, never."""
    subject = one.subject()
    if subject is None:
        return None
    word, regex = subject
    text = word.text
    made = Scope(Kind.DIRECTORY, scope.modules, scope.tell, path=text, regex=regex)
    files = name.startswith("files")
    pattern: Pattern | None
    if regex:
        # A pattern for names begins where the last part of the path does.
        pattern = compiled("/" + text[1:] if files and text.startswith("^") else text, False, word.span, scope)
        if pattern is None:
            return None
    else:
        glob = _glob(text if files else text.rstrip("/"))
        pattern = Pattern(rb"(?s)/" + glob + rb"\Z" if files else rb"(?s)\A" + glob + rb"(?:/|\Z)")
    # <Files> are for the name that the disk has, without what is behind it (ap_file_walk).
    name_of: Part = Call(Function.FOUND, (Note(FILE),)) if files else Note(FILE)
    found = All((HasNote(FILE), Matches((name_of,), pattern)))
    made.condition = All((scope.condition, found)) if scope.kind is not Kind.SERVER and scope.kind is not Kind.HOST else found
    return made


def _glob(text: str) -> bytes:
    out: list[str] = []
    for mark in text:
        out.append({"*": "[^/]*", "?": "[^/]"}.get(mark) or re.escape(mark))
    return "".join(out).encode("utf-8", "surrogateescape")


def in_order(sections: list[Scope]) -> list[Scope]:
    """Return those of sections that are for files, as they are merged: directories, the shortest first; patterns; files."""
    found = [one for one in sections if one.kind is Kind.DIRECTORY]
    for one in found:
        found += [inner for inner in one.sections if inner.kind is Kind.DIRECTORY]
    files = [one for one in found if "/" not in one.path or one.regex]
    return sorted((one for one in found if one not in files), key=lambda one: one.path.rstrip("/").count("/")) + files


def spoken_of(said: Callable[..., Any], directories: list[Scope]) -> Condition:
    """Return whether the held text is the name of a file below DocumentRoot, or below a directory that a section names.

    httpd serves whatever rules lead to, unless a section forbids it; Debian's own file has such a one, for all of the disk, which
    is not always among those that are read.
    """
    held = (Fact.HELD,)
    root = said("documentroot", ("",))[0].rstrip("/").encode("utf-8", "surrogateescape")
    found: list[Condition] = [Matches(held, Pattern(rb"\A" + re.escape(root) + rb"(?:/|\Z)"))] if root else []
    for one in directories:
        if "/" in one.path and isinstance(one.condition, All) and isinstance(one.condition.of[-1], Matches):
            found.append(replace(one.condition.of[-1], subject=held))
    return Any_(tuple(found))


def place(flow: Flow, said: Callable[..., Any]) -> None:
    """Add the path of what no Alias is for: below DocumentRoot."""
    root = said("documentroot", ("",))[0].rstrip("/")
    if root:
        name = (root.encode("utf-8", "surrogateescape"), Fact.PATH)
        flow.add(All((_NOWHERE, Not(HasNote(FILE)))), SetNote(FILE, name))


def indexes(flow: Flow, host: Host, begin: Label) -> None:
    """Add what asks for a directory's own file as if it was asked for by its path: it may be another server's (fixup_dir, mod_dir.c).

    `begin` is where it is said where a request goes.
    """
    names = _indexes(host)
    passes = any(host.levels.each("proxy-pass")) or any("proxy-pass" in one.said for one in host.walked)
    if not names or not (
        passes or any(line.flags.proxy for one in host.inner if one.rewriting for line in one.rewriting.rules)
    ):
        return
    file = (Note(FILE),)
    slash = Pattern(rb"/\Z")
    tried, other = Label(), Label()
    flow.go(tried, HasNote(_INDEX))
    flow.go(other, Not(All((Matches(file, slash), Matches((Fact.PATH,), slash), OnDisk(file, Disk.DIRECTORY)))))
    flow.add(Always(), SetNote(_DIRECTORY, (Fact.PATH,)))
    flow.add(Always(), SetNote(_FOLDER, file))
    _ask(flow, 0, names[0], begin)
    flow.place(tried)
    flow.go(other, OnDisk(file, Disk.FILE))
    for number in range(1, len(names)):
        after = Label()
        flow.go(after, Not(Compares((Note(_INDEX),), Comparison.SAME, (b"%d" % (number - 1),))))
        _ask(flow, number, names[number], begin)
        flow.place(after)
    flow.add(Always(), Rewrite((Note(_DIRECTORY),)))
    flow.add(Always(), SetNote(FILE, (Note(_FOLDER),)))
    flow.place(other)


def _ask(flow: Flow, number: int, name: bytes, begin: Label) -> None:
    flow.add(Always(), SetNote(_INDEX, (b"%d" % number,)))
    flow.add(Always(), UnsetNote(FILE))
    flow.add(Always(), Rewrite((Note(_DIRECTORY), name)), begin)


def _indexes(host: Host) -> tuple[bytes, ...]:
    return _names(host.said("directoryindex", ("index.html",))) if "dir" in host.modules else ()


def _names(words: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(octets(one) for one in words if one.lower() != "disabled")


def fallback(flow: Flow, host: Host, begin: Label) -> None:
    """Add what asks for another path where nothing is on the disk, or a directory without a file of its own (fixup_dflt, mod_dir.c).

    `begin` is where it is said where a request goes. Who is sent on twice goes in circles.
    """
    scopes = [one for one in host.merged if "fallbackresource" in one.said]
    if not scopes or "dir" not in host.modules:
        return
    file = (Note(FILE),)
    names = dict.fromkeys(
        (*_indexes(host), *(name for one in host.inner for name in _names(one.said.get("directoryindex", ()))))
    )
    own = Any_(tuple(OnDisk((Note(FILE), name), Disk.FILE) for name in names))
    bare = All((Matches(file, Pattern(rb"/\Z")), OnDisk(file, Disk.DIRECTORY), Not(own)))
    nothing = Not(OnDisk((Call(Function.FOUND, file),), Disk.ANYTHING))
    done = Label()
    flow.go(done, Not(All((_NOWHERE, HasNote(FILE), Any_((nothing, bare))))))
    for scope in reversed(scopes):
        path = scope.said["fallbackresource"][0]
        if path.lower() == "disabled":
            flow.go(done, host.when(scope), scope.origin)
            continue
        other = Label()
        flow.go(other, Not(host.when(scope)))
        flow.add(HasNote(_FALLBACK), Refuse(500), Then.STOP, scope.origin)
        flow.add(Always(), SetNote(_FALLBACK, (b"1",)))
        flow.add(Always(), UnsetNote(FILE))
        flow.add(Always(), Rewrite((octets(path),)), begin, scope.origin)
        flow.place(other)
    flow.place(done)


def serve(flow: Flow, host: Host) -> None:
    """Add what answers with a file."""
    overridden = any(one.said.get("allowoverride", ("None",))[0].lower() != "none" for one in host.directories)
    levels = host.levels.scopes
    found = All((_NOWHERE, HasNote(FILE)))
    for section in reversed(host.inner):  # the last that names a directory's own file
        if ("directoryindex" in section.said and "dir" in host.modules) or {"mime", "defaultlanguage"} & section.said.keys():
            names = _names(section.said["directoryindex"]) if "directoryindex" in section.said else _indexes(host)
            _serve(flow, host, both(found, host.when(section)), names, _media(host, (*levels, section)), overridden)
    _serve(flow, host, found, _indexes(host), _media(host, levels), overridden)


def _media(host: Host, scopes: Sequence[Scope]) -> Media:
    return media(scopes) if "mime" in host.modules else Media()


def _serve(flow: Flow, host: Host, when: Condition, names: tuple[bytes, ...], described: Media, overridden: bool) -> None:
    if "autoindex" in host.modules:
        # Who may not see what is in a directory is told so (handle_autoindex, mod_autoindex.c).
        own = tuple(OnDisk((Note(FILE), name), Disk.FILE) for name in names)
        directory = (Matches((Note(FILE),), Pattern(rb"/\Z")), OnDisk((Note(FILE),), Disk.DIRECTORY), Not(Any_(own)))
        flow.add(All((when, *directory)), Refuse(403, reasons.NO_INDEX), Then.STOP)
    flow.add(when, ServeTree((Note(FILE),), names, described, overridden), Then.STOP)
