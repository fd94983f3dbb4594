# SPDX-License-Identifier: Apache-2.0
"""JSON that somebody else wrote: finite, shallow, and with its duplicate keys reported."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import refuse_placeholder, text_of

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
MAX_JSON_BYTES = 24 << 20
"""The largest published results.json has 1.3 MB; this much of empty lists unpacks to under 600 MB."""


def parse_json(content: bytes, where: str, on_duplicate: Callable[[str], None] | None = None) -> Any:
    """Return the value of a JSON text; line ends inside of strings are accepted, NaN, Infinity and halves of
    surrogate pairs are not.

    Args:
        content: The text as UTF-8; other bytes become replacement marks.
        where: Its path, for messages.
        on_duplicate: Takes each key that an object holds twice; the last value counts.

    Raises:
        DataError: It is not JSON.

    Examples:
        >>> parse_json(b'{"a": [1, 2]}', "x.json")
        {'a': [1, 2]}
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
        text = text_of(content, "replace")
        value = json.loads(text, parse_constant=refuse, object_pairs_hook=pairs, strict=False)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        raise DataError(f"{where} is not usable JSON: it holds half of a surrogate pair, which is no text.") from None
    except RecursionError:
        raise DataError(f"{where} is not usable JSON: it is nested too deeply.") from None
    except ValueError as error:
        refuse_placeholder(content, where)
        raise DataError(f"{where} is not usable JSON: {str(error)[:200]}.") from None
