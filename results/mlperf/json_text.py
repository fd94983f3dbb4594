# SPDX-License-Identifier: Apache-2.0
"""JSON that somebody else wrote: bounded, finite, shallow, and with its duplicate keys said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mlperf_tiny.errors import DataError

MAX_JSON_BYTES = 24 << 20
"""The largest real results.json has 1.3 MB; this much of empty lists unpacks to under 600 MB."""


def parse_json(content: bytes, where: str, on_duplicate: Callable[[str], None] | None = None) -> Any:
    """Return the value of a JSON text; raises DataError naming ``where`` for anything that is not plain JSON.

    NaN and Infinity are refused, line ends inside of strings are not. ``on_duplicate`` hears of keys that stand twice
    in an object; the last value counts.
    """

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not a JSON number")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if on_duplicate and len(value) < len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen:
                    on_duplicate(key)
                seen.add(key)
        return value

    try:
        return json.loads(
            content.decode("utf-8-sig", "replace"), parse_constant=refuse, object_pairs_hook=pairs, strict=False
        )
    except RecursionError:
        raise DataError(f"{where} is not usable JSON: it is nested too deeply.") from None
    except ValueError as error:
        raise DataError(f"{where} is not usable JSON: {str(error)[:200]}.") from None
