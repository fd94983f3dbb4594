# SPDX-License-Identifier: Apache-2.0
"""Questions about Thumb-2 code that need no full decoding (which is in ``timing/decode/block.py``).

Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), chapter A5.
"""

from __future__ import annotations


def is_wide(halfword: int) -> bool:
    """True for the first half of a 32-bit instruction.

    Examples:
        >>> is_wide(0xF7FF), is_wide(0xBF00)
        (True, False)
    """
    return halfword >> 11 >= 0b11101


def branches_to_itself(code: bytes) -> bool:
    """True when a block is one ``b .`` and nothing else: only an interrupt could end it.

    Examples:
        >>> branches_to_itself(bytes.fromhex("fee7"))
        True
    """
    return code in (b"\xfe\xe7", b"\xff\xf7\xfe\xbf")


def uses_floating_point(code: bytes) -> bool:
    """True when a block holds an instruction of coprocessor 10 or 11, loads, stores and moves included."""
    at = 0
    while at + 4 <= len(code):
        first = code[at] | code[at + 1] << 8
        if not is_wide(first):
            at += 2
            continue
        if first >> 10 in (0b111011, 0b111111) and code[at + 3] >> 1 & 7 == 0b101:
            return True
        at += 4
    return False


def may_hold_it(code: bytes) -> bool:
    """True for code with an IT instruction; also for some without one, as halves of wide instructions may look so."""
    return any(high == 0xBF and low & 0x0F for low, high in zip(code[::2], code[1::2], strict=True))
