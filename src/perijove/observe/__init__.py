"""What operators see of a running perijove.

Knows counters and the words of monitoring. Must not know how anything is served.
"""
