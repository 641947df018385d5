"""One file for each check, called as the fault is: `websocket_route_missing.py` is `websocket-route-missing`.

`SEVERITY` says how bad it is, `CONFIDENCE` how sure (high, if it is left out), `find(subject)` yields what is found. What a
configuration does is asked of the subject; only faults of the text itself are looked for in the text.
"""
