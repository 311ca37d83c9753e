"""What this build runs; all else is E090 at check time (vpl.md section 21)."""

AVAILABLE: frozenset[str] = frozenset((
    # operations, by name
    *("where", "filter", "select", "emit", "process", "print"),
    *("from", "to", "context"),
    *("log", "tap", "map", "pattern", "fork", "any", "all", "on_error", "enrich"),
    "concurrent",  # without effect (W091)
    *("score", "trend_aggregate", "forecast"),
    *("window", "partition_by", "aggregate", "having", "collect"),
    *("order_by", "limit", "first", "distinct"),
    # source forms
    *("source event", "source merge", "source join", "source timer"),
    *("on", "watermark", "allowed_lateness"),
    *("source sequence", "source pattern", "source all", "source step"),
    *("within", "not"),
    # connector kinds, with their direction
    *("mqtt from", "mqtt to", "file from", "file to", "http to", "console to"),
    *("kafka from", "kafka to", "nats from", "nats to", "redis from", "redis to"),
    "websocket from",
))
"""Operations by name, `source F` by form, connector kinds as `K to` and `K from`.

Source forms are `event`, `merge`, `join`, `sequence`, `timer`, `pattern` (a named
pattern used as source), `all` (a repeated first step) and `step` (`->`).
"""
