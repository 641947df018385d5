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
    sources = table().sources
    if plain in STATIC:
        message = f"module {name} is built-in and can't be loaded"
        told.fault(Fault("module-is-static", message, "Debian's Apache has it built in: take the line out", 0), node, words)
    elif plain in modules:
        message = f"module {name} is already loaded, skipping"
        told.tell("module-loaded-twice", message, words[0].span, node.via, "take one of the lines out", Severity.WARNING)
    elif plain in _MPMS and any(one in modules for one in _MPMS):
        message = "Configuration error: More than one MPM loaded."
        told.fault(Fault("two-mpms", message, "load one of mpm_event, mpm_worker and mpm_prefork", 0), node, words)
    else:
        other = os.path.basename(path).removeprefix("mod_").removesuffix(".so")
        if plain in sources and other in sources and other != plain:
            message = f"Can't locate API module structure `{name}' in file {path}"
            told.fault(Fault("wrong-module-file", message, f"write `mod_{plain}.so`", 1), node, words)
        elif plain not in sources and os.path.isabs(path) and not os.path.exists(path):
            # Files of modules that Debian has need not be here: nothing of them is run.
            message = f"Cannot load {path} into server: {path}: cannot open shared object file: No such file or directory"
            told.fault(
                Fault("no-module-file", message, "take the line out, or name the file as it is called here", 1), node, words
            )
        modules.add(plain)
