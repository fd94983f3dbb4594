# SPDX-License-Identifier: Apache-2.0
"""How many of each message a reply may hold. With more of them than asked for, which one counts is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_tiny.errors import SurplusReply


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What one reply may hold of one message."""

    command: str
    """First word of the command; of ``db load`` both."""
    mark: str
    """The message's beginning, counted wherever it is in a line, readable or not."""
    most: int
    """How many of them at most."""


LAP = "m-lap-us-"
RESULTS = "m-results-["

REPLY_GRAMMAR = (
    Allowed(command="name", mark="m-name-", most=1),
    Allowed(command="name", mark=RESULTS, most=0),
    Allowed(command="profile", mark="m-profile-[", most=1),
    Allowed(command="profile", mark="m-model-[", most=1),
    Allowed(command="profile", mark=RESULTS, most=0),
    Allowed(command="timestamp", mark=LAP, most=1),
    Allowed(command="timestamp", mark=RESULTS, most=0),
    Allowed(command="results", mark=LAP, most=0),
    Allowed(command="results", mark=RESULTS, most=1),
    Allowed(command="db load", mark="m-load-done", most=0),
    Allowed(command="db load", mark=LAP, most=0),
    Allowed(command="db load", mark=RESULTS, most=0),
    Allowed(command="db", mark="m-load-done", most=1),
    Allowed(command="db", mark=LAP, most=0),
    Allowed(command="db", mark=RESULTS, most=0),
    Allowed(command="crc", mark="m-input-crc-", most=1),
    Allowed(command="crc", mark=LAP, most=0),
    Allowed(command="crc", mark=RESULTS, most=0),
    Allowed(command="infer", mark="m-init-done", most=0),
    Allowed(command="infer", mark="m-load-done", most=0),
    Allowed(command="infer", mark="m-infer-start-", most=1),
    Allowed(command="infer", mark="m-input-crc-", most=1),
    Allowed(command="infer", mark=LAP, most=2),
    Allowed(command="infer", mark=RESULTS, most=1),
)
"""Commands and messages that are not named are not counted: a device may print what means nothing."""


def raise_surplus(command: str, lines: Sequence[str]) -> None:
    """Raise SurplusReply when a reply holds more of a message than its command asks for.

    Args:
        command: What was sent.
        lines: Of the reply.
    """
    first, _, rest = command.partition(" ")
    word = "db load" if first == "db" and rest.startswith("load") else first
    text = "\n".join(lines)
    for row in REPLY_GRAMMAR:
        if row.command == word and (came := text.count(row.mark)) > row.most:
            raise SurplusReply(command, f"{came} times {row.mark!r}, wanted {row.most or 'none'}", text_of(lines))


def text_of(lines: Sequence[str]) -> str:
    """Return reply lines for a message: one line, the last 400 characters."""
    return " | ".join(lines)[-400:]
