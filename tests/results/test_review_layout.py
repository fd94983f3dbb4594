# SPDX-License-Identifier: Apache-2.0
"""Results are found wherever a round put them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_tiny.file_tree import open_file_tree
from mlperf_tiny.results.mlperf.layout import find_results
from mlperf_tiny.results.mlperf.system import find_description, find_descriptions

# files of a tree -> round, division, submitter, system, benchmark, variant, mode -> kinds
FOUND: dict[str, tuple[list[str], tuple[str, ...], dict[str, set[str]]]] = {
    "as the rules want it": (
        ["closed/lab/results/board/kws/performance/log.txt", "closed/lab/results/board/kws/accuracy/results.txt"],
        ("", "closed", "lab", "board", "kws", ""),
        {"performance": {"log"}, "accuracy": {"text"}},
    ),
    "prefixed names and a round": (
        [
            "v0.7/open/lab/results/board/vww/energy/energy_log.txt",
            "v0.7/open/lab/results/board/vww/energy/energy_script.async",
        ],
        ("v0.7", "open", "lab", "board", "vww", ""),
        {"energy": {"log", "script"}},
    ),
    "prefixed names without folders": (
        ["closed/lab/results/board/ic/performance_log.txt", "closed/lab/results/board/ic/accuracy_results.txt"],
        ("", "closed", "lab", "board", "ic", ""),
        {"performance": {"log"}, "accuracy": {"text"}},
    ),
    "full task name": (
        ["tiny_results_v1.0/closed/lab/results/board/anomaly_detection/performance/log.txt"],
        ("v1.0", "closed", "lab", "board", "ad", ""),
        {"performance": {"log"}},
    ),
    "a level before the task": (
        ["closed/lab/results/engine/board/ad/performance/log.txt"],
        ("", "closed", "lab", "engine/board", "ad", ""),
        {"performance": {"log"}},
    ),
    "a level after the task, power for energy": (
        [
            "open/lab/results/board/kws/KWS-W3A3/power/trace1-energy.bin",
            "open/lab/results/board/kws/KWS-W3A3/power/log.txt",
        ],
        ("", "open", "lab", "board", "kws", "KWS-W3A3"),
        {"energy": {"trace", "log"}},
    ),
    "a misspelt folder": (
        ["closed/lab/results/board/ic/enegy/log.txt", "closed/lab/results/board/ic/performace/log.txt"],
        ("", "closed", "lab", "board", "ic", ""),
        {"energy": {"log"}, "performance": {"log"}},
    ),
    "code beside it": (
        ["closed/lab/code/kws/performance/log.txt", "closed/lab/results/board/sww/energy/results.json"],
        ("", "closed", "lab", "board", "sww", ""),
        {"energy": {"json"}},
    ),
    "no benchmark in the path": (
        ["closed/lab/results/board/thing/performance/log.txt"],
        ("", "closed", "lab", "board", "", ""),
        {"performance": {"log"}},
    ),
}


def write(root: Path, files: list[str]) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("x")
    return root


@pytest.mark.parametrize("case", FOUND)
def test_a_result_is_found(tmp_path: Path, case: str) -> None:
    files, identity, kinds = FOUND[case]
    (found,), _ = find_results(open_file_tree(write(tmp_path, files)))
    name = found.benchmark.name if found.benchmark else ""
    assert (found.round, found.division, found.submitter, found.system, name, found.variant) == identity
    assert {mode: set(paths) for mode, paths in found.files.items()} == kinds


def test_results_folder_above_the_tree_needs_a_division(tmp_path: Path) -> None:
    for above, identity in (("open/lab/results", ("open", "lab")), ("home/me/results", ("", ""))):
        tree = write(tmp_path / above, ["board/kws/performance/log.txt"])
        (found,), _ = find_results(open_file_tree(tree))
        assert (found.division, found.submitter) == identity
        assert found.system == "board"


UNEXPECTED_FILES: dict[str, tuple[list[str], str]] = {
    "macOS": ([".DS_Store"], "performance/.DS_Store: a file of macOS"),
    "another file": (["notes.doc"], "performance/notes.doc: not required"),
    "an unknown folder": (["../perfomance_old2/plot.svg"], "perfomance_old2: an unknown folder beside the runs"),
    "a run in an unknown folder": (["../second/log.txt"], "is neither performance, accuracy nor energy"),
}


@pytest.mark.parametrize("case", UNEXPECTED_FILES)
def test_an_unexpected_file_is_reported(tmp_path: Path, case: str) -> None:
    files, words = UNEXPECTED_FILES[case]
    run = "closed/lab/results/board/kws/performance/"
    write(tmp_path, [run + "log.txt", *(str(Path(run + file)) for file in files)])
    for file in files:
        write(tmp_path, [run + file])
    _, unexpected = find_results(open_file_tree(tmp_path))
    assert any(words in text for text in unexpected), unexpected


def test_a_file_that_is_too_large_is_reported(tmp_path: Path) -> None:
    write(tmp_path, ["closed/lab/results/board/kws/performance/log.txt", "closed/lab/code/kws/weights.bin"])
    with (tmp_path / "closed/lab/code/kws/weights.bin").open("wb") as file:
        file.truncate(500_000_001)  # a hole, no data
    assert find_results(open_file_tree(tmp_path))[1] == [
        "closed/lab/code/kws/weights.bin: over 500 MB, which no submission may hold"
    ]


def test_plots_and_the_marker_are_not_unexpected(tmp_path: Path) -> None:
    run = "closed/lab/results/board/kws/"
    files = ["performance/log.txt", "energy/energy_inf_000.png", "EEMBC_RUNNER", "performance/.gitkeep"]
    (found,), unexpected = find_results(open_file_tree(write(tmp_path, [run + file for file in files])))
    assert not unexpected
    assert found.marker


# system as the folders have it, files in systems/ -> the one that describes it
DESCRIPTIONS = [
    ("board", ["board.json", "other.json"], "board.json"),
    ("Board-A_b", ["board_a_b.json", "board_a.json"], "board_a_b.json"),
    ("board", ["board/board.json"], "board/board.json"),
    ("BOARD", ["BOARD_System_Description.json"], "BOARD_System_Description.json"),
    ("engine/NRF5340-DK", ["system_NRF5340DK_engine.json", "system_L4R5_engine.json"], "system_NRF5340DK_engine.json"),
    ("pynq-z2", ["system_description_arty.json", "system_description_pynq.json"], "system_description_pynq.json"),
    ("board", ["other.json", "third.json"], None),
    ("board", ["._board.json"], None),
]


@pytest.mark.parametrize(("system", "files", "wanted"), DESCRIPTIONS)
def test_the_description_of_a_system_is_found(
    tmp_path: Path, system: str, files: list[str], wanted: str | None
) -> None:
    names = [f"closed/lab/systems/{file}" for file in files]
    tree = open_file_tree(write(tmp_path, [f"closed/lab/results/{system}/kws/performance/log.txt", *names]))
    (found,), _ = find_results(tree)
    assert find_description(find_descriptions(tree), found) == (f"closed/lab/systems/{wanted}" if wanted else None)
