# SPDX-License-Identifier: Apache-2.0
"""Models that are more than one list of operators: variables between inferences, branches, loops, several signatures.

They are valid, and are refused for what they do, before their tensors are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_tiny.errors import UnsupportedOperator


@dataclass(frozen=True, kw_only=True)
class Beyond:
    """Something that a single list of operators, run from beginning to end, cannot do."""

    operators: tuple[str, ...]
    """The operators that do it."""
    reason: str
    """Why such a model is refused, and the next step; {count} is how many of the first one there are."""


# The first row with an operator of the model counts: CALL_ONCE only gives variables or tables their first values.
BEYOND: tuple[Beyond, ...] = (
    Beyond(
        operators=("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"),
        reason="the model keeps variables from one inference to the next ({count} of these operators; streaming models "
        "have them), and each inference here begins anew. Convert the model that takes its whole window at once",
    ),
    Beyond(
        operators=("HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE", "HASHTABLE_LOOKUP"),
        reason="the model looks values up in a hash table, and tables are not compiled. "
        "Convert the part of the model without the table",
    ),
    Beyond(
        operators=("CALL_ONCE",),
        reason="another subgraph of the model runs before the first inference, and only one is compiled. "
        "Convert the model without initialisation",
    ),
    Beyond(
        operators=("WHILE", "STABLEHLO_WHILE"),
        reason="it is a loop over another subgraph, and loops are not compiled. "
        "Convert the model with its loop unrolled",
    ),
    Beyond(
        operators=("IF", "STABLEHLO_CASE"),
        reason="it chooses between other subgraphs, and branches are not compiled. "
        "Convert each branch as a model of its own",
    ),
    Beyond(
        operators=(
            *("CALL", "STABLEHLO_COMPOSITE", "STABLEHLO_REDUCE", "STABLEHLO_REDUCE_WINDOW", "STABLEHLO_SCATTER"),
            "STABLEHLO_SORT",
        ),
        reason="it calls another subgraph, and only one is compiled. Convert the model with TFLite's own operators",
    ),
)


def refuse_other_subgraphs(kinds: Sequence[str], subgraphs: int, source: str) -> None:
    """Refuse a model that is more than the operators of its first subgraph, by the operator that makes it so.

    Args:
        kinds: Names of the operators of the first subgraph, in order.
        subgraphs: How many subgraphs the file has.
        source: The file's name in messages.

    Raises:
        UnsupportedOperator: Names the operator, its place and what it does, or the subgraphs that nothing calls.
    """
    for row in BEYOND:
        found = [index for index, kind in enumerate(kinds) if kind in row.operators]
        if found:
            kind = kinds[found[0]]
            raise UnsupportedOperator(kind, f"layer {found[0]}", row.reason.format(count=kinds.count(kind)))
    if subgraphs > 1:
        raise UnsupportedOperator(
            "MODEL",
            source,
            f"it has {subgraphs} subgraphs, and no operator of the first one calls another: each is a signature of its "
            "own. Convert one signature alone",
        )
