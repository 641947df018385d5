"""LoadModule: which modules there are from then on.

Source: load_module (modules/core/mod_so.c). Knows the files of Debian's modules by their names. Must not know what modules do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directive import Fault
from perijove.config.apache.modules import STATIC
from perijove.config.apache.table import table
from perijove.text.diagnostic import Severity

if TYPE_CHECKING:
    from perijove.config.apache.complaints import Complaints
    from perijove.config.apache.directive import Word
    from perijove.config.apache.nodes import Node

_MPMS: Final = ("mpm_event", "mpm_worker", "mpm_prefork")


def load(node: Node, words: tuple[Word, ...], modules: set[str], told: Complaints) -> None:
    """Add a module to those that are loaded, or tell why httpd would not."""
    name, path = (one.text for one in words)
    plain = name.removesuffix("_module")
    if plain in STATIC:
        message = f"module {name} is built-in and can't be loaded"
        told.fault(Fault("module-is-static", message, "Debian's Apache has it built in: take the line out", 0), node, words)
    elif plain in modules and name != plain:
        message = f"module {name} is already loaded, skipping"
        told.tell("module-loaded-twice", message, words[0].span, node.via, "take one of the lines out", Severity.WARNING)
    elif plain in _MPMS and any(one in modules for one in _MPMS):
        message = "Configuration error: More than one MPM loaded."
        told.fault(Fault("two-mpms", message, "load one of mpm_event, mpm_worker and mpm_prefork", 0), node, words)
    else:
        wrong = _wrong_file(name, path)
        if wrong is not None:
            told.fault(wrong, node, words)
        modules.add(plain)


def _wrong_file(name: str, path: str) -> Fault | None:
    """Return what is wrong with a module's name and its file.

    Files of modules that Debian has need not be here, for nothing of them is run; but where the folder is, as with Apache itself, a
    file that is not in it is none.
    """
    sources = table().sources
    plain = name.removesuffix("_module")
    other = os.path.basename(path).removeprefix("mod_").removesuffix(".so")
    if other in sources and name != f"{other}_module" and (plain in sources or plain == name):
        message = f"Can't locate API module structure `{name}' in file {path}"
        help_ = f"write `mod_{plain}.so`" if name.endswith("_module") else f"write `LoadModule {other}_module {path}`"
        return Fault("wrong-module-file", message, help_, int(name.endswith("_module")))
    if os.path.isabs(path) and not os.path.exists(path) and (other not in sources or os.path.isdir(os.path.dirname(path))):
        return _no_file(path, "take the line out, or name the file as it is called here", 1)
    return None


def _no_file(path: str, help_: str, at: int) -> Fault:
    message = f"Cannot load {path} into server: {path}: cannot open shared object file: No such file or directory"
    return Fault("no-module-file", message, help_, at)


def load_files(node: Node, words: tuple[Word, ...], told: Complaints) -> None:
    """Tell of libraries that are not there: those that are, are left alone."""
    for at, word in enumerate(words):
        if os.path.isabs(word.text) and not os.path.exists(word.text):
            told.fault(_no_file(word.text, "take the line out: nothing of it is used here", at), node, words)
