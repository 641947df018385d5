"""Sections that are there or not: `<IfModule>` and its like, decided while the file is read.

Knows what each asks (httpd's core.c and mod_version.c). Must not know what stands in them.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from perijove.config.apache.directive import commands
from perijove.config.apache.modules import VERSION
from perijove.config.apache.table import table
from perijove.config.apache.words import fold, word

if TYPE_CHECKING:
    from collections.abc import Collection

    from perijove.config.apache.defines import Variables

_NUMBERS = re.compile(r"([0-9]+)(?:\.([0-9]+)(?:\.([0-9]+))?)?")
_NO_VERSION = (
    "Version appears to be invalid. It must have the format major[.minor[.patch]] where major, minor and patch are numbers."
)


class ConditionError(Exception):
    """Why a condition cannot be decided, in Apache's words."""


def holds(name: str, args: str, *, modules: Collection[str], variables: Variables, root: str) -> bool:
    """Tell whether what stands in a section is to be read; `args` is what follows its name, the bracket included."""
    low = fold(name)
    if low == "<ifversion":
        return _version(name, args)
    end = args.rfind(">")
    if end < 0:
        raise ConditionError(f"{name}> directive missing closing '>'")
    args = args[:end]
    negated = args.startswith("!")
    asked = word(args[negated:], 0)[0]
    if not asked:
        raise ConditionError(f"{name}> directive requires additional arguments")
    return negated != _asked(low, asked, modules, variables, root)


def _asked(name: str, asked: str, modules: Collection[str], variables: Variables, root: str) -> bool:
    match name:
        case "<ifmodule":
            return loaded(asked, modules)
        case "<ifdefine":
            return asked in variables.names
        case "<iffile":
            return os.path.lexists(os.path.join(root, asked))
        case "<ifdirective":
            return bool(commands(asked, modules))
        case _:
            return bool(commands(f"<{asked}", modules))


def loaded(name: str, modules: Collection[str]) -> bool:
    """Tell whether a module is there, by its name or by the name of its source file. Both have case."""
    if name.endswith("_module"):
        return name.removesuffix("_module") in modules
    sources = table().sources
    if any(sources.get(one) == name for one in modules):
        return True
    # Modules of others are known by what LoadModule calls them; their files are named after it, as a rule.
    plain = name.removesuffix(".c")
    return plain != name and any(one in (plain, plain.removeprefix("mod_")) for one in modules if one not in sources)


def _version(name: str, args: str) -> bool:
    words: list[str] = []
    at = 0
    while at < len(args) and len(words) < 3:
        said, _, _, at = word(args, at)
        words.append(said)
    operator, version, delimiter = (*words, "", "", "")[:3]
    written = operator
    negated = operator.startswith("!")
    operator = operator.removeprefix("!")
    if not version:
        operator, version = "=", operator
    if not delimiter:
        if not version.endswith(">"):
            raise ConditionError(f"{name}> directive missing closing '>'")
        version = version[:-1]
    if operator in ("=", "==") and version.startswith("/"):
        if len(version) < 2 or not version.endswith("/"):
            raise ConditionError("Missing delimiting / of regular expression.")
        operator, version = "~", version[1:-1]
    match operator:
        case "=" | "==":
            result = _numbers(version) == VERSION
        case "<" | "<=":
            result = _numbers(version) > VERSION or (operator == "<=" and _numbers(version) == VERSION)
        case ">" | ">=":
            result = _numbers(version) < VERSION or (operator == ">=" and _numbers(version) == VERSION)
        case "~":
            try:
                result = bool(re.search(version, ".".join(map(str, VERSION))))
            except re.error as error:
                raise ConditionError(f"Unable to compile regular expression: {error}") from None
        case _:
            raise ConditionError(f"unrecognized operator '{written}'")
    return negated != result


def _numbers(version: str) -> tuple[int, int, int]:
    found = _NUMBERS.fullmatch(version)
    if not found:
        raise ConditionError(_NO_VERSION)
    major, minor, patch = (int(one or 0) for one in found.groups())
    return major, minor, patch
