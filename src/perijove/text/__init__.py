"""Positions in texts, and complaints about them.

Knows sources, spans and diagnostics. Must not know what the texts mean; imports nothing of ours.
"""
