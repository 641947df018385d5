"""What other programs ask a running perijove: configurable-http-proxy's REST API.

Knows HTTP as tornado has it, and the routes of a supervisor. Must not know how routes are served.
"""
