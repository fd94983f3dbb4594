# SPDX-License-Identifier: Apache-2.0
"""A compiled model that needs no code generator: ``model.c`` of this folder with sizes and scales of choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.firmware.engine_model import Library


@dataclass(frozen=True)
class FakeTensor:
    """An int8 tensor as ``EngineModel`` describes it."""

    size_bytes: int
    scale: float
    zero_point: int


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
    model_sha256: str = "0" * 64
    engine: str = "fake"
    engine_version: str = ""
    kernels: str = "none"
    sources: tuple[str, ...] = ()
    library: Library | None = None
    constant_bytes: int = 0
    stack_bytes: int = 1536

    @property
    def input(self) -> FakeTensor:
        """The input tensor."""
        return FakeTensor(self.input_bytes, self.input_scale, self.input_zero_point)

    @property
    def output(self) -> FakeTensor:
        """The output tensor."""
        return FakeTensor(self.output_bytes, self.output_scale, self.output_zero_point)

    @property
    def arena_bytes(self) -> int:
        """The fields of ``model_info``."""
        return self.input_bytes + self.output_bytes

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
