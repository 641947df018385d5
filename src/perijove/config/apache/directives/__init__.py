"""What directives mean, a module for each of httpd's.

A directive is a function that is given the line and the scope it stands in, and adds to the scope. `REGISTRY` has them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope

Meaning = Callable[["Directive", "Scope"], None]

REGISTRY: Final[dict[str, Meaning]] = {}  # by lower-case name


def directive(*names: str) -> Callable[[Meaning], Meaning]:
    """Register a function as the meaning of these directives."""

    def register(function: Meaning) -> Meaning:
        for name in names:
            REGISTRY[name.lower()] = function
        return function

    return register
