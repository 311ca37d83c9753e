"""What several lines read of a row is read once, before them."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from engine.compiler.lines import Lines

_FIELD: Final = re.compile(r"\br_f\d+\b")
_STAMP: Final = re.compile(r"\br\.ts\b")


def read_once(lines: Lines, fields: Mapping[str, str]) -> list[str]:
    """Return the lines that read what `lines` need of row `r` more than once.

    `fields` are variables by attribute; the timestamp gets one too. What is read at
    one place only is read there, which may be one that few events reach.
    """
    texts = lines.texts
    found = Counter(name for text in texts for name in _FIELD.findall(text))
    rare = {name: f"r.{at}" for at, name in fields.items() if found[name] == 1}
    loads = [f"{name} = r.{at}" for at, name in fields.items() if found[name] > 1]
    if sum(len(_STAMP.findall(text)) for text in texts) > 1:
        loads.append("r_ts = r.ts")
        texts[:] = [_STAMP.sub("r_ts", text) for text in texts]
    if rare:
        texts[:] = [_FIELD.sub(lambda m: rare.get(m[0], m[0]), text) for text in texts]
    return loads
