"""What a configuration means.

Immutable, and without dialect: knows listeners, virtual hosts, rules and upstreams. Must not know TOML, sockets or the
engine; imports only `text`, for the spans that rules carry. The one law: rules run in the order they stand, and the first
that stops wins. There is no other precedence.
"""
