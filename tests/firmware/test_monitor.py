# SPDX-License-Identifier: Apache-2.0
"""The monitor as a process on this machine: the protocol table, the input conversions, the result texts."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat, tensor_format
from mlperf_tiny.harness.wire import protocol
from tests.conformance import protocol_table as table
from tests.fakes.compiled import AD, IC, KWS, VWW, FakeCompiled
from tests.fakes.host_monitor import Reply, build_host, load_commands, talk
from tests.fakes.wire_formats import WIRE_FORMATS

ROOT = Path(__file__).parents[2]
TABLE_WIRE = WireFormat(
    model_id=table.MODEL_ID,
    input=InputFormat.INT8,
    results=ResultFormat.TRUNCATED,
    buffer_bytes=table.BUFFER_BYTES,
)
TABLE_MODEL = FakeCompiled(table.INPUT_BYTES, table.OUTPUT_BYTES)
OFFICIAL = {"kws01": KWS, "vww01": VWW, "ic01": IC, "ad01": AD}


@pytest.fixture(scope="session")
def table_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_host(TABLE_MODEL, TABLE_WIRE, tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="session")
def official_programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        name: build_host(model, WIRE_FORMATS[name], tmp_path_factory.mktemp(name)) for name, model in OFFICIAL.items()
    }


def assert_matches(patterns: tuple[str, ...], reply: Reply) -> None:
    assert len(patterns) == len(reply), f"wanted {patterns}, got {reply}"
    for pattern, line in zip(patterns, reply, strict=True):
        assert table.line_matches(pattern, line), f"wanted {patterns}, got {reply}"


@pytest.mark.parametrize("case", table.CASES, ids=lambda case: case.name)
def test_protocol_table(case: table.Case, table_program: Path) -> None:
    boot, *replies = talk(table_program, [command for command, _ in case.exchanges])
    assert_matches(table.BOOT, boot)
    for (_, patterns), reply in zip(case.exchanges, replies, strict=True):
        assert_matches(patterns, reply)


def test_replies_do_not_depend_on_earlier_commands(table_program: Path) -> None:
    """All cases after each other on one device: they do not depend on the state after boot."""
    exchanges = [exchange for case in table.CASES for exchange in case.exchanges if not case.before_any]
    fresh = {b"db print%", b"db 00%", b"infer 1 0%", b"crc%"}  # these may see what an earlier case has loaded
    _, *replies = talk(table_program, [command for command, _ in exchanges])
    for (command, patterns), reply in zip(exchanges, replies, strict=True):
        if command not in fresh:
            assert_matches(patterns, reply)


def test_names_of_cases_are_unique() -> None:
    names = [case.name for case in table.CASES]
    assert len(set(names)) == len(names)


def test_end_of_input_ends_the_process(table_program: Path) -> None:
    assert len(talk(table_program, [])) == 1


def test_limits_are_those_of_the_host() -> None:
    text = (ROOT / "firmware/monitor/limits.h").read_text()
    limits = dict(re.findall(r"#define (\w+) (\S+)", text))
    assert int(limits["COMMAND_BYTES"]) == protocol.COMMAND_BYTES


def test_longest_host_chunk_fits(table_program: Path) -> None:
    command = b"db %s%%" % b"00".ljust(2 * protocol.DB_BYTES, b"0")
    _, _, reply = talk(table_program, [b"db load 1%", command])
    assert reply == ["m-load-done"]


def test_energy_build_prints_no_laps(tmp_path: Path) -> None:
    program = build_host(TABLE_MODEL, TABLE_WIRE, tmp_path, energy=True)
    boot, timestamp, *_, infer = talk(program, [b"timestamp%", *load_commands(bytes(16)), b"infer 2 1%"])
    assert_matches(table.BOOT_ENERGY, boot)
    assert timestamp == []
    assert infer == [
        "m-warmup-start-1",
        "m-warmup-done",
        "m-infer-start-2",
        "m-infer-done",
        "m-results-[0.500,0.500,0.500,0.500]",
    ]


@pytest.mark.parametrize(
    ("model", "boot_error", "infer_error"),
    [
        (
            FakeCompiled(16, 4, init_code=7),
            "e-[Model set-up failed with code 7]",
            "e-[Model set-up failed with code 7]",
        ),
        *(
            (FakeCompiled(16, 4, init_code=code), line, line)
            for code, line in [
                (1, "e-[Model set-up failed: the model file has another schema version]"),
                (2, "e-[Model set-up failed: the operators cannot be registered]"),
                (3, "e-[Model set-up failed: arena too small or an operator refuses its tensors]"),
                (4, "e-[Model set-up failed: the input tensor is not the one expected]"),
                (5, "e-[Model set-up failed: the output tensor is not the one expected]"),
                (-2, "e-[Model set-up failed with code 2]"),
            ]
        ),
        (FakeCompiled(16, 4, invoke_code=3), None, "e-[Inference failed with code 3]"),
        (FakeCompiled(16, 4, invoke_code=-3), None, "e-[Inference failed with code 3]"),
    ],
)
def test_failing_engine_is_an_error_line(
    model: FakeCompiled, boot_error: str | None, infer_error: str, tmp_path: Path
) -> None:
    program = build_host(model, TABLE_WIRE, tmp_path)
    boot, *_, infer, results = talk(program, [*load_commands(bytes(16)), b"infer 2 0%", b"results%"])
    assert (boot_error in boot) == (boot_error is not None)
    assert infer_error in infer
    assert not any(line.startswith(("m-results", "m-infer-done")) for line in infer)
    assert results == ["e-[No inference has run]"]


def test_laps_enclose_the_inferences(table_program: Path) -> None:
    *_, few, many = talk(table_program, [*load_commands(bytes(16)), b"infer 1 0%", b"infer 2000000 0%"])
    spans = []
    for reply in (few, many):
        start, end = (int(line.removeprefix("m-lap-us-")) for line in reply if line.startswith("m-lap-us-"))
        spans.append((end - start) % 2**32)
    assert spans[0] < 1_000 < spans[1]


def sums(values: np.ndarray, outputs: int) -> np.ndarray:
    """The fake engine's answer to an int8 input."""
    padded = np.zeros(-(-values.size // outputs) * outputs, np.int64)
    padded[: values.size] = values
    return padded.reshape(-1, outputs).sum(axis=0).astype(np.uint8).view(np.int8)


def quantised(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """What the device does to float inputs, in numpy: float32 division, round half away, clamp; NaN is 0."""
    with np.errstate(all="ignore"):
        steps = (values.astype(np.float32) / np.float32(scale)).astype(np.float64)
        rounded = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    rounded[np.isnan(steps)] = zero_point
    return np.clip(rounded, -128, 127).astype(np.int8)


def texts(reply: Reply) -> list[str]:
    (line,) = [line for line in reply if line.startswith("m-results-[")]
    return line.removeprefix("m-results-[").removesuffix("]").split(",")


@pytest.mark.parametrize("name", ["kws01", "vww01", "ic01"])
def test_integer_tasks(name: str, official_programs: dict[str, Path]) -> None:
    model, wire = OFFICIAL[name], WIRE_FORMATS[name]
    data = np.random.default_rng(1).integers(0, 256, model.input_bytes).astype(np.uint8)
    tensor = data.view(np.int8) if wire.input is InputFormat.INT8 else (data ^ 0x80).view(np.int8)
    *_, infer, profile = talk(official_programs[name], [*load_commands(data.tobytes()), b"infer 2 1%", b"profile%"])
    values = (sums(tensor, model.output_bytes).astype(np.float64) - model.output_zero_point) * model.output_scale
    if wire.results is ResultFormat.TRUNCATED:
        wanted = [f"{int(value * 1000) / 1000:.3f}" for value in values]
    else:
        wanted = [f"{value:.3f}" for value in values]
    assert texts(infer) == wanted
    assert profile[1] == f"m-model-[{name}]"


def window(kind: str) -> np.ndarray:
    random = np.random.default_rng(2)
    values = random.normal(-20, 12, 640).astype(np.float32)
    special = {
        "plain": [],
        "ties": (np.arange(-300, 300) + np.float32(0.5)) * np.float32(AD.input_scale),
        "large": [3.4e38, -3.4e38, 1e10, -1e10, 1e-40],
        "infinite": [np.inf],
        "not a number": [np.nan],
    }[kind]
    values[: len(special)] = special
    return values


@pytest.mark.parametrize("kind", ["plain", "ties", "large", "infinite", "not a number"])
def test_anomaly_score(kind: str, official_programs: dict[str, Path]) -> None:
    values = window(kind)
    load = load_commands(values.tobytes())
    replies = talk(official_programs["ad01"], [*load, b"infer 3 1%", *load_commands(bytes(2560)), b"results%"])
    infer, again = replies[1 + len(load)], replies[-1]
    output = sums(quantised(values, AD.input_scale, AD.input_zero_point), 640)
    real = (output.astype(np.float32) - np.float32(AD.output_zero_point)) * np.float32(AD.output_scale)
    total = np.float32(0)
    with np.errstate(all="ignore"):
        for difference in real - values:
            total = np.float32(total + difference * difference)
        score = total / np.float32(640)
    assert texts(infer) == [f"{float(score):.3f}"]
    assert again == [f"m-results-[{float(score):.3f}]"], "a later load must not change the last result"


def test_tensor_format_takes_the_tensor_as_it_is(tmp_path: Path) -> None:
    wire = tensor_format(WIRE_FORMATS["ad01"])
    # The scale of a published network whose outputs lie closer than a thousandth.
    scale = float(np.float32(2.2354184693540446e-05))
    program = build_host(FakeCompiled(1024, 8, output_scale=scale, output_zero_point=3), wire, tmp_path)
    data = np.random.default_rng(3).integers(0, 256, 1024).astype(np.uint8)
    *_, infer, refused = talk(program, [*load_commands(data.tobytes()), b"infer 1 0%", b"db load 1025%"])
    values = (sums(data.view(np.int8), 8).astype(np.float32) - np.float32(3)) * np.float32(scale)
    assert texts(infer) == [f"{float(value):.6f}" for value in values]
    assert refused == ["e-[Supplied buffer size 1025 exceeds maximum of 1024]"]


def test_official_buffers_are_the_references(official_programs: dict[str, Path]) -> None:
    for name, size in (("kws01", 490), ("ad01", 5120), ("ic01", 3072), ("vww01", 27648)):
        _, fits, refused = talk(official_programs[name], [b"db load %d%%" % size, b"db load %d%%" % (size + 1)])
        assert fits == [f"m-[Expecting {size} bytes]"]
        assert refused == [f"e-[Supplied buffer size {size + 1} exceeds maximum of {size}]"]
