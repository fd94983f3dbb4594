# SPDX-License-Identifier: Apache-2.0
"""Whether an image can read Q, the saturation flag, which costs a third of a translation's time to keep.

Only MRS reads it, and who looks at the frame of an interrupt.
"""

from __future__ import annotations

import numpy as np

# MRS Rd, APSR and its combinations with IPSR and EPSR.
_MRS, _MASK = (0xF3EF, 0x8000), (0xFFFF, 0xF0FC)


def reads_status(flash: bytes) -> bool:
    """Whether any two half-words of a flash could be an instruction that reads the application's status register.

    Args:
        flash: All of it, data included.
    """
    halves = np.frombuffer(flash[: len(flash) & ~1], dtype="<u2")
    first, second = halves[:-1], halves[1:]
    return bool(np.any(((first & _MASK[0]) == _MRS[0]) & ((second & _MASK[1]) == _MRS[1])))
