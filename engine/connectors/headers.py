"""The `headers` parameter of connectors that speak HTTP."""


def headers_of(value: object) -> dict[str, str]:
    """Return headers given as pairs, or as text: `Name: value`, several with commas.

    A part without a colon belongs to the value before it. Raises ValueError for text
    that no header can hold.
    """
    if isinstance(value, list):
        pairs = [(str(name), str(item)) for name, item in value]
    else:
        pairs = _split("" if value is None else str(value))
    for name, item in pairs:
        if not name or not name.isascii() or any(c in name + item for c in "\r\n\0"):
            raise ValueError("headers are given as 'Name: value'")
    return dict(pairs)


def _split(text: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for part in text.split(","):
        name, colon, value = part.partition(":")
        if colon and " " not in name.strip():
            pairs.append((name.strip(), value.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part}")
        elif part.strip():
            raise ValueError("headers are given as 'Name: value'")
    return pairs
