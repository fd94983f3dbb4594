# SPDX-License-Identifier: Apache-2.0
"""Recorded traffic with foreign programs (docs/interop.md describes how it was recorded).

``reference-firmware-*``: this harness on a pseudo terminal, behind which an emulated board ran the benchmark's own
reference firmware with TensorFlow Lite Micro. Played back to the real session and modes.
``mlcommons-runner-*``: the benchmark's own Python runner driving this project's firmware. What it sent, in the very
pieces it wrote, is sent to the firmware of today.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlperf_tiny.errors import Refused
from mlperf_tiny.firmware.boards import DEVICES
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.firmware.wire import InputFormat, ResultFormat, WireFormat
from mlperf_tiny.harness.run.request import Mode, Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.open import open_transport
from mlperf_tiny.runners.transports.replay import ReplayTransport
from mlperf_tiny.runners.transports.transport import Transport
from tests.fakes.compiled import FakeCompiled
from tests.fakes.data_sets import ad_folder, kws_folder

GOLDEN = Path(__file__).parents[2] / "golden" / "interop"
PAYLOAD = bytes(number * 7 % 256 for number in range(490))


def recorded_laps_us(name: str) -> list[tuple[int, int, int]]:
    """(count, first lap, last lap) of each ``infer`` of a transcript, read without the harness's own decoder."""
    text = (GOLDEN / name).read_text()
    windows = re.findall(r'm-infer-start-(\d+)"\}.*?m-lap-us-(\d+)"\}.*?m-lap-us-(\d+)"\}', text, re.DOTALL)
    return [(int(count), int(first), int(last)) for count, first, last in windows]


@pytest.mark.parametrize(
    ("task", "modes", "iterations", "throughput_per_s"),
    [("kws", ("performance", "accuracy"), 391, 38.880), ("ad", ("performance",), 5161, 511.180)],
)
def test_a_whole_run_on_the_reference_firmware(
    task: str, modes: tuple[Mode, ...], iterations: int, throughput_per_s: float, tmp_path: Path
) -> None:
    data = {"kws": kws_folder, "ad": lambda root: ad_folder(root, files=5)}[task](tmp_path / "data")
    name = f"reference-firmware-{task}.jsonl"
    request = Request(task=task, device="stm32f746", data=data, port=f"replay://{GOLDEN / name}", modes=modes)
    record, _ = run_benchmark(request, tmp_path / "runs", Listener(), open_transport)
    assert record.complete and record.notes == ()
    assert record.identity is not None
    assert (record.identity.vendor, record.identity.model_id) == ("unspecified", f"{task}01")
    windows = [row for row in recorded_laps_us(name) if row[0] == iterations]
    assert record.performance is not None
    assert [window.elapsed_us for window in record.performance.windows] == [last - first for _, first, last in windows]
    assert record.performance.throughput_per_s == pytest.approx(throughput_per_s, abs=5e-4)
    if "accuracy" in modes:
        assert record.accuracy is not None
        # Noise goes in: the model takes nearly everything for "unknown", the last of the twelve labels.
        assert (record.accuracy.correct, record.accuracy.samples) == (1, 12)


def test_a_session_with_the_reference_firmware() -> None:
    transport = ReplayTransport(GOLDEN / "reference-firmware-conversation.jsonl")
    notes: list[str] = []
    session = Session(transport, clock=transport.clock, note=notes.append)

    def refused(action: Callable[[], object]) -> str:
        with pytest.raises(Refused) as caught:
            action()
        return caught.value.text

    assert session.start().profile == "ULPMark for tinyML Firmware V0.0.1"
    assert session.timestamp() > 0
    session.load(PAYLOAD)
    once, again = session.infer(1, 0), session.infer(1, 0)
    assert once.results == again.results and len(once.results) == 12
    assert once.elapsed_us == pytest.approx(27_194, abs=5)  # 25,720 of it inference, the rest the first lap's line
    # Layers reuse the input's memory and it is loaded once: all but the first inference compute on something else.
    warmed = session.infer(1, 10)
    assert warmed.results != once.results
    assert session.command("results") == ["m-results-[0.000,0.000,0.000,0.000,0.000,0.167,0.000,0.000,0.000,0.000,"
                                          "0.000,0.832]"]  # fmt: skip
    session.load(PAYLOAD[:100])
    assert refused(lambda: session.infer(1, 0)) == "Input db has 100 elemented, expected 490"
    assert refused(lambda: session.load(bytes(491))) == "Supplied buffer size 491 exceeds maximum of 490"
    assert [note.partition(" after")[0] for note in notes] == ["loading again"]
    for command, text in (
        ("foo", "Unknown command: foo"),
        ("db", "Command 'db' requires a subcommand"),
        ("db load", "Command 'db load' requires the # of bytes"),
        ("db load 0", "Command 'db load' must be >0 bytes"),
        ("db load x", "Command 'db load' must be >0 bytes"),
        ("db 0", "Insufficent number of hex digits"),
        ("infer 0", "Inference iterations must be >0"),
        ("infer x", "Inference iterations must be >0"),
        ("infer 1 -1", "Inference warmup must be >=0"),
    ):
        assert refused(lambda command=command: session.command(command)) == text  # type: ignore[misc]
    assert session.command("help")[:2] == ["ULPMark for tinyML Firmware V0.0.1", ""]
    assert refused(lambda: session.command("info")) == "Unknown command: info"  # the one command that is ours alone
    assert session.command("db load 12") == ["m-[Expecting 12 bytes]"]
    assert refused(lambda: session.command("db zz")) == "Invalid hex digit 'zz'"
    assert session.command("db 00112233445566778899aabb") == ["m-load-done"]
    # An empty line where the size is no multiple of eight.
    assert session.command("db print") == ["m-buffer-00-11-22-33-44-55-66-77", "m-buffer-88-99-aa-bb", ""]
    assert session.command("name") == ["m-name-dut-[unspecified]"]


@pytest.fixture(scope="module", params=["host", "stm32f446", "stm32f746"])
def firmware_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The firmware with a model of the size the runner was recorded with: 490 bytes in, 12 values out."""
    wire = WireFormat(model_id="kws01", input=InputFormat.INT8, results=ResultFormat.TRUNCATED, buffer_bytes=490)
    board = DEVICES[request.param]
    elf = build_firmware(FakeCompiled(490, 12), wire, board, tmp_path_factory.mktemp(board.device)).elf
    return f"host://{elf}" if board.is_host else f"emu://{board.device}?elf={elf}"


def reply(device: Transport) -> list[str]:
    """Reply lines with their ends, up to and with ``m-ready``."""
    received = b""
    while not received.endswith(b"m-ready\r\n"):
        data = device.read(5.0)
        assert data, f"the device fell silent after {received!r}"
        received += data
    return received.decode("ascii").splitlines(keepends=True)


def without_figures(lines: list[str]) -> list[str]:
    """What must be the same for another model: everything but the laps and the values."""
    lines = [re.sub(r"^m-lap-us-\d+", "m-lap-us-#", line) for line in lines]
    return [re.sub(r"(?<=[\[,])0\.\d{3}(?=[,\]])", "#", line) for line in lines]


def what_the_runner_needs(command: str, lines: list[str]) -> Iterator[bool]:
    """The runner's own demands: it knows a message only where that is the whole line, without its end."""
    bare = [line.rstrip("\r\n") for line in lines]
    yield bare[-1] == "m-ready"
    if command == "name":
        yield re.fullmatch(r"m-name-dut-\[[^]]+\]", bare[0]) is not None
    if command == "profile":
        yield "m-model-[kws01]" in bare
    if command.startswith("infer"):
        laps = [re.fullmatch(r"m-lap-us-(\d+)", line) for line in bare]
        first, last = (int(found[1]) for found in laps if found)
        yield first <= last  # the stand-in model takes less than a microsecond on a PC
        results = [re.fullmatch(r"m-results-\[([^]]+)\]", line) for line in bare]
        values = [float(value) for found in results if found for value in found[1].split(",") if value.strip()]
        yield len(values) == 12 and sum(values) > 0


@pytest.mark.parametrize("mode", ["accuracy", "performance"])
def test_commands_of_the_mlcommons_runner_get_the_recorded_replies(firmware_url: str, mode: str) -> None:
    exchanges = [json.loads(line) for line in (GOLDEN / f"mlcommons-runner-{mode}.jsonl").read_text().splitlines()]
    device = open_transport(firmware_url)
    try:
        reply(device)  # boot
        for exchange in exchanges:
            for piece in exchange["sent"]:
                device.write(piece.encode("ascii"))
            lines = reply(device)
            command = "".join(exchange["sent"]).removesuffix("%")
            assert without_figures(lines) == without_figures(exchange["reply"]), command
            assert all(what_the_runner_needs(command, lines)), (command, lines)
    finally:
        device.close()
