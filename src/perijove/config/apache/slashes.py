"""AllowEncodedSlashes NoDecode: where slashes that were kept are encoded once more.

Source: merge_core_dir_configs (server/core.c). Knows rules that send. Must not know what they are for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perijove.config.apache.flow import Flow, Label
from perijove.gateway.conditions import Condition, Never, both
from perijove.gateway.rules import Action, Encoding, ForwardAnywhere, ForwardTo, Then

if TYPE_CHECKING:
    from perijove.text.source import Span


class SlashFlow(Flow):
    """Rules, with what becomes of kept slashes in sections.

    Where a section is merged, whatever it says, core's configuration has forgotten that encoded slashes are not decoded
    (merge_core_dir_configs, server/core.c): they are encoded once more then.
    """

    def __init__(self, inside: Condition) -> None:
        super().__init__()
        self.inside = inside

    def add(
        self,
        when: Condition,
        do: Action,
        then: Then | Label = Then.NEXT,
        origin: Span | None = None,
        otherwise: Then | Label = Then.NEXT,
    ) -> None:
        """Add a rule."""
        if (
            isinstance(do, ForwardTo | ForwardAnywhere)
            and do.encoding is Encoding.SLASHES
            and not isinstance(self.inside, Never)
        ):
            super().add(both(when, self.inside), replace(do, encoding=Encoding.CANONICAL), then, origin)
        super().add(when, do, then, origin, otherwise)
