"""Several hubs are asked in turns.

## What it finds

A balancer of two members or more for a hub, without `stickysession`. One that stands by (`status=+H`) is no second.

## Why it hurts

Each hub has its own users' servers, its own key for cookies and its own proxy with its own routes. Who has logged in at one is a
stranger at the next, and a server that one has started is not there at the other.

## What a user sees

The login again and again; `404` or *Your server is not running* for a server that runs; WebSockets that connect at every second
attempt.

## Example

```apache
<Proxy balancer://hubs>
    BalancerMember http://10.0.0.21:8000
    BalancerMember http://10.0.0.22:8000
</Proxy>
```

## Use instead

```apache
Header add Set-Cookie "hub_route=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED
<Proxy balancer://hubs>
    BalancerMember http://10.0.0.21:8000 route=a
    BalancerMember http://10.0.0.22:8000 route=b
    ProxySet stickysession=hub_route
</Proxy>
```

Several proxies of one hub that share their routes (perijove's with Redis) need no sessions: then ignore it, with that reason.

## Sources

- [mod_proxy_balancer, stickyness](https://httpd.apache.org/docs/2.4/mod/mod_proxy_balancer.html#stickyness_implementation)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping
from perijove.checks.subject import Subject
from perijove.gateway.actions import Balance
from perijove.text.diagnostic import Confidence, Severity

SEVERITY = Severity.WARNING
CONFIDENCE = Confidence.MEDIUM


def find(subject: Subject) -> Iterator[Finding]:
    """Yield the line that leads to such a balancer."""
    told = set()
    for site in subject.sites:
        its = mapping(subject, site.page)
        if its is None or its.scheme != "balancer" or its.target.span in told:
            continue
        name = f"balancer://{its.authority}"
        balancers = (rule.do for rule in site.host.stages.route if isinstance(rule.do, Balance))
        balancer = next((one for one in balancers if one.name.lower() == name), None)
        if balancer is None or balancer.cookie:
            continue
        several = sum(not one.spare for one in balancer.members)
        if several < 2:
            continue
        told.add(its.target.span)
        yield Finding(
            f"requests of one user go to {several} hubs in turns",
            its.target.span,
            "the login again and again, and 404 for servers that run",
            "give each member a `route=`, and the balancer `stickysession=`: `--explain balancer-without-sessions` has the lines",
        )
