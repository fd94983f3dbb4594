# SPDX-License-Identifier: Apache-2.0
"""Everything a tree holds on one result: runs, claims, trace, description, label list."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mlperf_tiny.errors import DataError
from mlperf_tiny.file_tree import FileTree, refuse_placeholder
from mlperf_tiny.harness.energy.trace import MAX_TRACE_BYTES, Trace, parse_stamps, parse_trace
from mlperf_tiny.results.mlperf.benchmarks import Benchmark, benchmark_of_model
from mlperf_tiny.results.mlperf.json_text import MAX_JSON_BYTES, parse_json
from mlperf_tiny.results.mlperf.layout import FoundResult
from mlperf_tiny.results.mlperf.system import Descriptions, SystemDescription, find_description, read_description
from mlperf_tiny.results.review.evidence.claims import Claims, parse_claims
from mlperf_tiny.results.review.evidence.eembc_log import parse_eembc_log, parse_script
from mlperf_tiny.results.review.evidence.label_lists import LabelList, LabelLists
from mlperf_tiny.results.review.evidence.mlcommons_json import parse_mlcommons_json
from mlperf_tiny.results.review.evidence.mlcommons_log import is_mlcommons_line, parse_mlcommons_log
from mlperf_tiny.results.review.evidence.runner_log import Run, first_difference
from mlperf_tiny.results.review.evidence.wakewords import WordWindow

MAX_STAMPS_BYTES = 1 << 20
MAX_PLACEHOLDER_BYTES = 1 << 19
"""Of a web page that was saved in the place of a file."""
FIRST_LINES = 40

Planned = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One result as found; a part that is not there is missing from its dictionary, or None."""

    found: FoundResult
    """Where it lies."""
    benchmark: Benchmark | None
    """By its folders, or by the firmware's model id."""
    runs: dict[str, Run]
    """Mode -> run."""
    claims: dict[str, Claims]
    """Mode -> what the text claims."""
    scripts: dict[str, Planned]
    """Mode -> file, iterations and warm-ups of each command in script.async."""
    trace: Trace | None
    """The EEMBC runner's energy trace."""
    stamps: tuple[float, ...] | None
    """Its timestamps, seconds."""
    system: SystemDescription | None
    """The system description."""
    system_path: str | None
    """Its file, also of one that cannot be read."""
    labels: LabelList | None
    """The list that the accuracy run follows."""
    official: tuple[LabelList, ...]
    """All official lists of the benchmark that were found."""
    words: tuple[WordWindow, ...] | None
    """Start and end of each wake word, seconds."""
    problems: tuple[str, ...]
    """One sentence for each file that cannot be used."""

    def path(self, mode: str, kind: str) -> str:
        """Return where a file is, or would be, for people.

        Args:
            mode: ``performance``, ``accuracy`` or ``energy``.
            kind: Kind of file, as of ``FoundResult.files``.
        """
        names = {"log": "log.txt", "text": "results.txt", "json": "results.json", "script": "script.async",
                 "trace": "trace1-energy.bin", "stamps": "trace1-timestamps.json"}  # fmt: skip
        return self.found.files.get(mode, {}).get(kind) or f"{mode}/{names[kind]}"

    @property
    def runner(self) -> str:
        """``EEMBC`` or ``MLCommons``; "" without a run."""
        return next((run.runner for run in self.runs.values()), "")


@dataclass
class _Gathering:
    runs: dict[str, Run] = field(default_factory=dict)
    claims: dict[str, Claims] = field(default_factory=dict)
    scripts: dict[str, Planned] = field(default_factory=dict)
    trace: Trace | None = None
    stamps: tuple[float, ...] | None = None
    problems: list[str] = field(default_factory=list)


def gather(tree: FileTree, found: FoundResult, descriptions: Descriptions, lists: LabelLists) -> Evidence:
    """Read what belongs to a result; unusable files become problems, never exceptions.

    Args:
        tree: Where it lies.
        found: The result.
        descriptions: All system descriptions.
        lists: Label lists of the reviewer's data folder.
    """
    got = _Gathering()
    for mode, kinds in found.files.items():
        for kind in ("log", "json", "text", "script", "trace", "stamps"):
            if kind in kinds:
                try:
                    _read(tree, got, mode, kind, kinds)
                except DataError as error:
                    got.problems.append(str(error))
    system = None
    system_path = find_description(descriptions, found)
    try:
        system = read_description(tree, system_path, found) if system_path else None
    except DataError as error:
        got.problems.append(str(error))
    models = [run.model_id for run in got.runs.values() if run.model_id]
    benchmark = found.benchmark or next((row for name in models if (row := benchmark_of_model(name))), None)
    labels, words = None, None
    if benchmark is not None:
        accuracy = got.runs.get("accuracy")
        labels = lists.match(benchmark, accuracy.inferences) if accuracy and benchmark.task else None
        words = lists.wake_words() if benchmark.task is None else None
    return Evidence(
        found=found,
        benchmark=benchmark,
        runs=got.runs,
        claims=got.claims,
        scripts=got.scripts,
        trace=got.trace,
        stamps=got.stamps,
        system=system,
        system_path=system_path,
        labels=labels,
        official=lists.official(benchmark) if benchmark else (),
        words=words,
        problems=tuple(got.problems),
    )


def _read(tree: FileTree, got: _Gathering, mode: str, kind: str, kinds: dict[str, str]) -> None:
    path = kinds[kind]
    if tree.sizes[path] <= MAX_PLACEHOLDER_BYTES:
        refuse_placeholder(tree.read(path), path)
    if kind == "log":
        first = _first_lines(tree, path)
        parse = parse_mlcommons_log if any(map(is_mlcommons_line, first)) else parse_eembc_log
        run = parse(tree.lines(path), path)
        # What a timed inference answered does not matter, and some devices answer nothing.
        answers_count = mode == "accuracy" or run.runner != "EEMBC"
        got.runs[mode] = run if answers_count else replace(run, problems=())
        if "text" not in kinds:
            got.claims[mode] = parse_claims(tree.lines(path), path)
    elif kind == "json":
        run = parse_mlcommons_json(parse_json(tree.read(path, MAX_JSON_BYTES), path), path)
        log = got.runs.get(mode)
        got.runs[mode] = _merged(log, run) if log else run
    elif kind == "text":
        got.claims[mode] = parse_claims(tree.lines(path), path)
    elif kind == "script":
        got.scripts[mode] = parse_script(tree.lines(path))
    elif kind == "trace":
        got.trace = parse_trace(tree.read(path, MAX_TRACE_BYTES), path)
    elif kind == "stamps":
        got.stamps = parse_stamps(parse_json(tree.read(path, MAX_STAMPS_BYTES), path), path)


def _first_lines(tree: FileTree, path: str) -> list[str]:
    first = []
    for line in tree.lines(path):
        first.append(line)
        if len(first) == FIRST_LINES:
            break
    return first


def _merged(log: Run, data: Run) -> Run:
    """The exact numbers of results.json with the settings of the log."""
    return replace(
        log,
        source=data.source,
        inferences=data.inferences or log.inferences,
        finished=None if data.inferences else log.finished,
        voltages_mv=log.voltages_mv or data.voltages_mv,
        detections=data.detections or log.detections,
        contradictions=log.contradictions + _contradictions(log, data),
        problems=log.problems + data.problems,
    )


def _contradictions(log: Run, data: Run) -> tuple[str, ...]:
    if not log.detections or not data.detections or log.detections.times_ms == data.detections.times_ms:
        return ()
    where = first_difference(log.detections.times_ms, data.detections.times_ms)
    return (f"{log.source} and {data.source} hold lists of detections that differ: {where}",)
