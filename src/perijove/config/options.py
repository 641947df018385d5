"""What is wrong with options.

Knows nothing of any option.
"""

from __future__ import annotations


class BadOption(ValueError):
    """An option, or a combination of them, that nothing can be made of; the text says why."""
