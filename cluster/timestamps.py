"""Times on the wire: RFC 3339, UTC, milliseconds (api.md section 1)."""

from datetime import UTC, datetime


def format_timestamp(moment: datetime) -> str:
    """Return an aware time as `2026-03-02T08:24:41.507Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
