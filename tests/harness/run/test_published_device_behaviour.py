# SPDX-License-Identifier: Apache-2.0
"""Seen of published devices beyond the protocol's text, each in a whole run: the same metrics, or one error.

``where`` it was seen: a published result (round, system, task), the reference firmware, an issue, or nowhere yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mlperf_tiny.errors import BenchError, DeviceSilent, Refused, SurplusReply, UnexpectedReply
from mlperf_tiny.harness.record.measured import measure
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.open import open_transport
from mlperf_tiny.runners.transports.replay import ReplayTransport
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice, Spoil

LATENCY_US = 40_000
READY = b"m-ready\r\n"
REFERENCE = "mlcommons/tiny, reference firmware"
SYNTIANT = "v1.3 syntiant_9120 kws"
VCU128 = "v1.3 VCU128 vww"
QUALCOMM = "v1.3 Qualcomm MTP ad"
WAKE_WORD = "mlcommons/tiny, streaming wake word firmware"
IO_MANAGER = "an IO manager in between"
UNSEEN = "no published device; allowed for"


def each(change: Callable[[bytes], bytes], *commands: str) -> Spoil:
    """Change the replies to ``commands`` (their first words; "(boot)" is one), or all replies."""
    return lambda command, reply: change(reply) if not commands or command.split()[0] in commands else reply


def per_line(change: Callable[[bytes], bytes], *commands: str) -> Spoil:
    return each(lambda reply: b"".join(change(line) + b"\r\n" for line in reply.split(b"\r\n")[:-1]), *commands)


def prefixed(text: bytes, *commands: str) -> Spoil:
    return each(lambda reply: text + reply, *commands)


def replaced(old: bytes, new: bytes, *commands: str) -> Spoil:
    """Replace ``old``, which must be in the replies to ``commands``."""

    def change(reply: bytes) -> bytes:
        assert not commands or old in reply
        return reply.replace(old, new)

    return each(change, *commands)


def echo(command: str, reply: bytes) -> bytes:
    return reply if command == "(boot)" else f"{command}%".encode() + reply


def echo_line(command: str, reply: bytes) -> bytes:
    return reply if command == "(boot)" else f"{command}%\r\n".encode() + reply


def streaming_echo(command: str, reply: bytes) -> bytes:
    return reply if command == "(boot)" else f"Received command: {command}\r\n".encode() + reply


def renamed(reply: bytes) -> bytes:
    return reply.replace(b"-dut-", b"-my board-")


def resize_line(command: str, reply: bytes) -> bytes:
    return b"Input db has 490 elemented, expected 490\n" + reply if command.startswith("infer") else reply


def wordy_results(reply: bytes) -> bytes:
    """What this device prints around its results: other lists in brackets, one of them after them."""
    shown = b"[  -121,   -104,    -81,   -128,   -124,   -128,    -76,     37,   -128,    -98,   -128,      1, ]\r\n"
    before, results = reply.split(b"m-results")
    values, ready = results.split(b"m-ready")
    return before + b"Acts (infer): " + shown + b"m-results" + values + b"Softmax:     " + shown + b"m-ready" + ready


def last_comma(reply: bytes) -> bytes:
    return re.sub(rb"(m-results-\[[^\]]*)\]", rb"\1,]", reply)


@dataclass(frozen=True)
class Seen:
    """A device that must be measured like any other."""

    name: str
    """Of the test."""
    where: str
    """Where."""
    spoil: Spoil = lambda command, reply: reply
    device: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    """What the record notes of it; "" for nothing."""


BEHAVIOURS = (
    Seen("echo", "published devices", echo),
    Seen("echo on a line of its own", UNSEEN, echo_line),
    Seen("comma after the last value", f"{REFERENCE}, vww", each(last_comma, "infer")),
    Seen("blanks between values", UNSEEN, replaced(b",", b", ", "infer")),
    Seen("blanks at line ends", UNSEEN, per_line(lambda line: line + b" \t")),
    Seen("comma after a lap", UNSEEN, per_line(lambda line: line + b"," * (b"-us-" in line))),
    Seen("Expecting without m-[ ]", WAKE_WORD, replaced(b"m-[Expecting 490 bytes]", b"Expecting 490 bytes")),
    Seen("Received command", WAKE_WORD, streaming_echo),
    Seen("load counted in text", "a published device", resize_line),
    Seen("debug text glued to a message", SYNTIANT, prefixed(b"th_load_tensor starting at 228130812", "infer")),
    Seen("lists around the results", SYNTIANT, each(wordy_results, "infer")),
    Seen("chatter at boot", SYNTIANT, prefixed(
        b"NDP main\r\nndp10_config_clock returned 0\r\nInitialized [ok]\r\nerror count 0\r\n", "(boot)")),
    Seen("bytes that are no text at boot", VCU128, prefixed(b"\x80\xf8\x00\xff", "(boot)")),
    Seen("booted long ago", "any board", device={"boots": False}),
    Seen("no answer to the first name", VCU128, device={"lost": 1}, note="asking 'name' again after"),
    Seen("no name at all", QUALCOMM, each(lambda reply: READY, "name"), note="does not answer its name"),
    Seen("no profile line", QUALCOMM, each(lambda reply: reply[reply.index(b"m-model") :], "profile")),
    Seen("another name than dut", "energyrunner issue 18", each(renamed, "name"), note="is named 'my board'"),
    Seen("line feeds alone", f"{REFERENCE}, some lines", replaced(b"\r\n", b"\n")),
    Seen("two carriage returns", "v0.7 pynq-z2 kws", replaced(b"\r\n", b"\r\r\n")),
    Seen("line feed first", UNSEEN, replaced(b"\r\n", b"\n\r")),
    Seen("empty lines", UNSEEN, replaced(b"\r\n", b"\r\n\r\n")),
    Seen("prefix of an IO manager", "v0.7 pynq-z2 kws, energy", per_line(lambda line: b"[dut]: " + line)),
    Seen("m-ready twice", IO_MANAGER, each(lambda reply: reply + READY), note="2 lines 'm-ready'"),
    Seen("m-ready three times", IO_MANAGER, each(lambda reply: reply + READY * 2), note="3 lines"),
    Seen("a clock of 1 ms", "v0.7 xG24, v1.1 L4R5ZI-zephyr", device={"tick_us": 1000}),
    Seen("a counter near its end", UNSEEN, device={"counter_us": 2**32 - 30_000_000}, note="wrapped"),
)  # fmt: skip


class Hasty(FakeDevice):
    """A fake whose answers to the first ``lost`` commands are lost on the way."""

    def __init__(self, lost: int = 0, **values: Any) -> None:
        self._lost = lost
        super().__init__(**values)

    def _say(self, command: str, lines: Any) -> None:
        if command != "(boot)" and self._lost:
            self._lost -= 1
        else:
            super()._say(command, lines)


def run(folder: Path, **device: Any) -> tuple[RunRecord, Path]:
    """A whole run, performance and accuracy, its replies arriving in pieces as they do from a serial port."""
    values: dict[str, Any] = {"infer": one_hot, "latency_us": LATENCY_US, "piece_bytes": 16, **device}
    fake = Hasty(**values)
    return run_benchmark(request(folder), folder / "runs", Listener(), lambda url, *, baud=None: fake)


def request(folder: Path, port: str = "fake://") -> Request:
    data = folder / "data"
    if not data.exists():
        kws_folder(data)
    return Request(task="kws", data=data, port=port)


def metrics_of(record: RunRecord) -> dict[str, Any]:
    values = asdict(record)
    return {name: values[name] for name in ("complete", "performance", "accuracy", "violations")}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    record, _ = run(tmp_path_factory.mktemp("clean"))
    assert record.complete and record.accuracy is not None and record.accuracy.correct == 11
    return metrics_of(record)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_published_behaviour_does_not_change_the_metrics(
    behaviour: Seen, clean: dict[str, Any], tmp_path: Path
) -> None:
    record, folder = run(tmp_path, spoil=behaviour.spoil, **behaviour.device)
    assert metrics_of(record) == clean
    notes = [note for note in record.notes if not note.startswith("dropped to resynchronise")]
    assert any(behaviour.note in note for note in notes) if behaviour.note else notes == []
    # What was written down of it is enough to be it again.
    again, _ = run_benchmark(
        request(tmp_path, f"replay://{folder / TRANSCRIPT_FILE}"), tmp_path / "again", Listener(), open_transport
    )
    assert metrics_of(again) == clean
    assert measure(read_transcript(folder / TRANSCRIPT_FILE)).refusals == []


def without_laps(reply: bytes) -> bytes:
    """What firmware built for energy prints: it pulses a pin where others print a lap."""
    reply = reply.replace(b"-mode-performance", b"-mode-energy")
    return re.sub(rb"m-lap-us-\d+\r\n", b"", reply)


def too_large(command: str, reply: bytes) -> bytes:
    line = b"Supplied buffer size 490 exceeds maximum of 48\n"
    return line + READY if command.startswith("db load") else reply


def no_memory(command: str, reply: bytes) -> bytes:
    return f"{command}%e-[out of memory]\r\n".encode() + READY if command.startswith("infer") else reply


@dataclass(frozen=True)
class Refusal:
    """A device that must not be measured, and the text of the error."""

    name: str
    where: str
    spoil: Spoil
    error: type[BenchError]
    sentence: str
    device: dict[str, Any] = field(default_factory=dict)


REFUSALS = (
    Refusal("energy firmware", "every published energy run", each(without_laps), UnexpectedReply,
            "lacks two 'm-lap-us-' lines (0 came; firmware built for energy pulses a pin instead and uses 9600 "
            "baud: flash the same built for performance, EE_CFG_ENERGY_MODE 0)"),
    Refusal("9600 baud heard at 115200", "every published energy run", each(lambda reply: b"\x00\xf8\x80" * 9),
            DeviceSilent, "check the baud rate"),
    Refusal("a buffer that is too small", REFERENCE,
            too_large,
            Refused, "Supplied buffer size 490 exceeds maximum of 48"),
    Refusal("a load that is short", REFERENCE, prefixed(b"Input db has 48 elemented, expected 490\n", "infer"),
            Refused, "Input db has 48 elemented, expected 490"),
    Refusal("an error behind an echo", "published devices",
            no_memory,
            Refused, "refused 'infer 1 1': out of memory"),
    Refusal("an error with results all the same", REFERENCE, prefixed(b"e-[Invoke failed]\r\n", "infer"),
            Refused, "Invoke failed"),
    Refusal("results that are torn", UNSEEN, each(lambda reply: re.sub(rb"\d\]", b"", reply), "infer"),
            UnexpectedReply, "lacks a readable 'm-results-[...]' line"),
    Refusal("a lap too many", UNSEEN, prefixed(b"m-lap-us-77\r\n", "infer"), SurplusReply,
            "holds 3 times 'm-lap-us-', wanted 2, so nothing in it counts"),
    Refusal("results twice", UNSEEN,
            replaced(b"m-infer-done\r\n", b"m-results-[0.5,0.5]\r\nm-infer-done\r\n", "infer"), SurplusReply,
            "holds 2 times 'm-results-[', wanted 1"),
    Refusal("results of another model", UNSEEN, replaced(b"m-results-[", b"m-results-[0.5,", "infer"),
            UnexpectedReply, "lacks a result of 12 values (13 came: another model?)"),
    Refusal("carriage returns alone", UNSEEN, replaced(b"\r\n", b"\r"), DeviceSilent,
            r"got only 'm-name-dut-[unspecified]\rm-ready\r'"),
)  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_device_that_cannot_be_measured_is_an_error_with_the_cause(refusal: Refusal, tmp_path: Path) -> None:
    with pytest.raises(refusal.error) as caught:
        run(tmp_path, spoil=refusal.spoil, **refusal.device)
    assert refusal.sentence in str(caught.value)


class Slow(FakeDevice):
    """A fake that makes its host wait: for each answer ``answer_s``, and for the time its inferences take."""

    def __init__(self, answer_s: float = 0.0, boot_s: float = 0.0, **values: Any) -> None:
        self._answer_s, self._answers_at_s = answer_s, boot_s
        super().__init__(**values)

    def write(self, data: bytes) -> None:
        if not self._now_s < self._answers_at_s:  # what comes before it listens is lost
            super().write(data)

    def _obey(self, command: str) -> None:
        asked_s = self._now_s
        super()._obey(command)
        self._answers_at_s, self._now_s = self._now_s + self._answer_s, asked_s

    def read(self, timeout_s: float) -> bytes:
        left_s = self._answers_at_s - self._now_s
        if left_s > timeout_s:
            self._now_s += timeout_s
            return b""
        self._now_s = max(self._now_s, self._answers_at_s)
        return super().read(timeout_s - max(left_s, 0.0))


def run_slow(folder: Path, timeout_s: float | None = None, **device: Any) -> RunRecord:
    asked = replace(request(folder), timeout_s=timeout_s)
    slow = Slow(infer=one_hot, **device)
    return run_benchmark(asked, folder / "runs", Listener(), lambda url, *, baud=None: slow)[0]


def test_an_inference_may_last_a_minute(tmp_path: Path) -> None:
    record = run_slow(tmp_path, latency_us=55_000_000)
    assert record.performance is not None
    assert (record.performance.iterations, record.performance.latency_ms) == (10, pytest.approx(55_000))


def test_boot_lines_after_opening_the_port_are_awaited(tmp_path: Path) -> None:
    assert run_slow(tmp_path, boot_s=5.0).complete  # what the official runner allows


def test_timeout_option_extends_the_wait(tmp_path: Path) -> None:
    with pytest.raises(DeviceSilent, match=r"'name' in 2 s .* or raise --timeout"):
        run_slow(tmp_path / "usual", answer_s=7.0)
    assert run_slow(tmp_path / "patient", answer_s=7.0, timeout_s=200.0).complete


def eembc_events(log: Path) -> list[dict[str, Any]]:
    """The conversation in a published log of the EEMBC runner, which leaves the downloads out."""
    events: list[dict[str, Any]] = []
    for raw in log.read_bytes().split(b"\n"):
        line = raw.decode("latin-1")
        if command := re.search(r'parser: Command "dut (.*)"', line):
            events.append({"e": "out", "s": command[1]})
        elif log := re.match(r"\d+\.\d+ dut: (.*)$", line, re.DOTALL):
            events.append({"e": "in", "s": log[1]})
    return events


PUBLISHED = (
    "v0.7/open/hls4ml-finn/results/pynq-z2/kws/KWS-W3A3",
    "v0.7/closed/silicon_labs/results/silicon_labs_xG24_DK2601B/vww",
    "v1.1/closed/Skymizer/results/NUCLEO_L4R5ZI-zephyr/ad",
    "v1.1/closed/STMicroelectronics/results/NUCLEO_L4R5ZI/ic",
    "v1.2/closed/bosch/results/CY8CPROTO_062_4343W_float/ic",
    "v1.3/closed/syntiant/results/syntiant_9120_1v1_98mhz/kws",
)


@pytest.mark.parametrize("folder", PUBLISHED)
def test_published_logs_replay_to_the_published_throughput(folder: str, data_dir: Path) -> None:
    performance = data_dir / "published" / folder / "performance"
    events = eembc_events(next(performance.glob("*log.txt")))
    device = ReplayTransport(events)
    session = Session(device, clock=device.clock)
    throughputs = []
    for command in (event["s"] for event in events if event["e"] == "out"):
        if infer := re.fullmatch(r"infer (\d+) (\d+)", command):
            inference = session.infer(int(infer[1]), int(infer[2]))
            throughputs.append(inference.count / inference.elapsed_us * 1e6)
        else:
            assert session.command(command)
    text = next(performance.glob("*results.txt")).read_text()
    published = [float(value) for value in re.findall(r"Throughput +: +([\d.]+)", text)]
    assert len(published) == 5
    assert throughputs == pytest.approx(published, abs=0.0006)
