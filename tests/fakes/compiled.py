# SPDX-License-Identifier: Apache-2.0
"""A compiled model that needs no code generator: ``model.c`` of this folder with sizes and scales of choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FakeCompiled:
    """What ``build_firmware`` takes; the engine's arithmetic is described in ``model.c``."""

    input_bytes: int
    output_bytes: int
    input_scale: float = 1.0
    input_zero_point: int = 0
    output_scale: float = 1.0 / 256.0
    output_zero_point: int = -128
    init_code: int = 0
    invoke_code: int = 0
    engine_sources: Sequence[str] = ()
    model_sha256: str = "0" * 64

    @property
    def files(self) -> Mapping[str, str]:
        """``model.c`` and its settings."""
        values = {
            "INPUT_BYTES": str(self.input_bytes),
            "OUTPUT_BYTES": str(self.output_bytes),
            "INPUT_SCALE": f"{self.input_scale!r}f",
            "INPUT_ZERO_POINT": str(self.input_zero_point),
            "OUTPUT_SCALE": f"{self.output_scale!r}f",
            "OUTPUT_ZERO_POINT": str(self.output_zero_point),
            "INIT_CODE": str(self.init_code),
            "INVOKE_CODE": str(self.invoke_code),
        }
        config = "".join(f"#define FAKE_{name} {value}\n" for name, value in values.items())
        return {"model.c": (Path(__file__).parent / "model.c").read_text(), "fake_config.h": config}


KWS = FakeCompiled(490, 12, 0.5847029089927673, 83)
AD = FakeCompiled(640, 640, 0.3910152316093445, 89, 0.36449846625328064, 96)
VWW = FakeCompiled(27_648, 2, 0.003921568859368563, -128)
IC = FakeCompiled(3_072, 10, 1.0, -128)
