# SPDX-License-Identifier: Apache-2.0
"""The public names: what a notebook or another program needs, importable from ``mlperf_tiny`` itself.

A benchmark on an emulated board, with its record::

    from pathlib import Path
    from mlperf_tiny import Listener, Request, run_benchmark

    record, folder = run_benchmark(Request(task="ad", device="stm32f746"), Path("runs"), Listener(log=print))

A conversation with the same board, command by command::

    from mlperf_tiny import EmulatedBoard, EmulatorTransport, Session, find_board

    board = EmulatedBoard(find_board("stm32f746"), folder / "firmware.elf")
    session = Session(EmulatorTransport(board))
    print(session.start().model_id, session.command("timestamp"))

====================== =========================================================================
run_benchmark          measure a model on a device; return the record and its folder
resume_benchmark       continue an interrupted run, or recompute a complete one
Request                what to run: task, device, model, data, engine
Listener, Progress     where a run reports its log lines and its steps
RunRecord              what a run measured; ``to_json()`` is the content of record.json
read_record            recompute the record of a run folder from its transcript
read_leaderboard       rows of a leaderboard CSV, one dictionary each
read_leaderboard_frame the same as a pandas table with numbers as numbers
build_leaderboard      rows of runs, submissions and other leaderboards
review_path            recompute the results of submissions and check them against the rules
BOARDS, find_board     the boards' facts, as rows and by device name
model_names            names of the known models
find_model             a known model, or a .tflite file, with its content
compile_model          C code for a .tflite model, with its layers and memory
resolve_parts          what a firmware image is built from; ``.build(cache)`` builds it
EmulatedBoard          a board with a firmware image in an emulator
EmulatorTransport      the byte pipe to such a board
open_transport         the byte pipe that a URL names: serial port, emulator, process, recording
Session                the benchmark protocol over a byte pipe
====================== =========================================================================

Every error that a user can cause is a ``mlperf_tiny.errors.BenchError``.
"""

from mlperf_tiny.firmware.boards import BOARDS, find_board
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.harness.image.parts import resolve_parts
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import resume_benchmark, run_benchmark
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.models.catalog.catalog import find_model, model_names
from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.results.leaderboard.build import build_leaderboard
from mlperf_tiny.results.leaderboard.file import read_frame as read_leaderboard_frame
from mlperf_tiny.results.leaderboard.file import read_leaderboard
from mlperf_tiny.results.review.review import review_path
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.transport import EmulatorTransport
from mlperf_tiny.runners.open import open_transport

__all__ = [
    "BOARDS",
    "EmulatedBoard",
    "EmulatorTransport",
    "Listener",
    "Progress",
    "Request",
    "RunRecord",
    "Session",
    "build_leaderboard",
    "compile_model",
    "find_board",
    "find_model",
    "model_names",
    "open_transport",
    "read_leaderboard",
    "read_leaderboard_frame",
    "read_record",
    "resolve_parts",
    "resume_benchmark",
    "review_path",
    "run_benchmark",
]
