# SPDX-License-Identifier: Apache-2.0
"""Nine published results: every metric that can be recomputed, and every fault that is known to be in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_tiny.results.mlperf.findings import Kind, Verdict
from mlperf_tiny.results.review.review import Review, Reviewed, review_path

PYNQ = "v0.7/open/hls4ml-finn/results/pynq-z2/kws/KWS-W3A3"
XG24 = "v0.7/closed/silicon_labs/results/silicon_labs_xG24_DK2601B/vww"
ZEPHYR = "v1.1/closed/Skymizer/results/NUCLEO_L4R5ZI-zephyr/ad"
L4R5 = "v1.1/closed/STMicroelectronics/results/NUCLEO_L4R5ZI/ic"
BOSCH = "v1.2/closed/bosch/results/CY8CPROTO_062_4343W_float/ic"
SYNTIANT = "v1.3/closed/syntiant/results/syntiant_9120_1v1_98mhz/kws"
U385 = "v1.3/closed/STMicroelectronics/results/NUCLEO_U385RG_Q/ic"
VCU128 = "v1.3/closed/kai_jiang/results/VCU128/vww"
SNAPDRAGON = "v1.3/closed/Qualcomm/results/Next_Generation_Snapdragon_Mobile_Platform_MTP/ad"

# folder -> runner, verdict
RESULTS = {
    PYNQ: ("EEMBC", Verdict.CONFIRMED),
    XG24: ("EEMBC", Verdict.UNCONFIRMED),
    ZEPHYR: ("EEMBC", Verdict.UNCONFIRMED),
    L4R5: ("EEMBC", Verdict.VIOLATION),
    BOSCH: ("EEMBC", Verdict.VIOLATION),
    SYNTIANT: ("EEMBC", Verdict.VIOLATION),
    U385: ("MLCommons", Verdict.CONFIRMED),
    VCU128: ("MLCommons", Verdict.VIOLATION),
    SNAPDRAGON: ("MLCommons", Verdict.UNCONFIRMED),
}

# folder -> metric -> claim as printed, recomputed value to the digits given (None: not available)
METRICS: dict[str, dict[str, tuple[str | None, float | None]]] = {
    PYNQ: {
        "throughput": ("57268.135", 57268.135), "top-1": ("82.5", 82.5), "AUC": ("0.91", 0.9060),
        "AUC exact": (None, 0.9060), "AUC MLCommons": (None, 0.9060), "energy": ("30.667", 30.667),
        "energy throughput": ("57257.372", 57257.372), "latency": (None, 0.017),
    },
    XG24: {
        "throughput": ("5.371", 5.371), "top-1": ("84.7", 84.7), "AUC": ("0.94", 0.9365), "AUC exact": (None, 0.9367),
        "AUC MLCommons": (None, 0.9367), "energy": ("1721.774", None), "latency": (None, 186.171),
    },
    ZEPHYR: {
        "throughput": ("124.906", 124.906), "AUC": ("0.87", None), "energy": ("409.666", 409.666),
        "energy throughput": ("124.370", 124.370), "latency": (None, 8.006),
    },
    L4R5: {
        "throughput": ("4.673", 4.673), "top-1": ("85.0", 85.0), "AUC": ("0.99", 0.9878), "AUC exact": (None, 0.9907),
        "AUC MLCommons": (None, 0.9909), "energy": ("7019.085", 10019.607), "energy as cut": (None, 7019.085),
        "energy throughput": ("4.983", 4.983), "latency": (None, 214.001),
    },
    BOSCH: {
        "throughput": ("2.084", 2.084), "top-1": ("87.0", 87.0), "AUC": ("0.98", 0.9805), "AUC exact": (None, 0.9881),
        "AUC MLCommons": (None, 0.9881), "latency": (None, 479.777),
    },
    SYNTIANT: {
        "throughput": ("675.024", 675.024), "top-1": ("91.1", 91.1), "AUC": ("0.99", 0.9923),
        "AUC exact": (None, 0.9959), "AUC MLCommons": (None, 0.9959), "energy": ("43.802", 43.802),
        "energy throughput": ("664.507", 664.507), "latency": (None, 1.481),
    },
    U385: {
        "throughput": ("5.481", 5.481), "top-1": ("87.0", 87.0), "AUC": ("0.988", 0.9884), "AUC exact": (None, 0.9880),
        "AUC EEMBC": (None, 0.9800), "energy": ("965.5817", 965.5817), "latency": (None, 182.448),
    },
    VCU128: {
        "throughput": ("4624.902", 4624.902), "top-1": ("84.9", 84.9), "AUC": ("0.957", 0.9567),
        "AUC EEMBC": (None, 0.9567), "latency": (None, 0.216),
    },
    SNAPDRAGON: {"throughput": ("14624.973", 14624.973), "AUC": ("0.860", None), "latency": (None, 0.068)},
}  # fmt: skip

# folder, kind, rule, words of the finding
FAULTS = [
    (PYNQ, Kind.NOTE, "system description", "holds 10 keys twice"),
    (PYNQ, Kind.NOTE, "system description", "the rules want systems/pynq-z2.json"),
    (XG24, Kind.MISSING, "required files", "energy/trace1-energy.bin is missing"),
    (XG24, Kind.MISSING, "required files", "energy 1721.774 uJ/inf. cannot be recomputed"),
    (ZEPHYR, Kind.MISSING, "required files", "accuracy/log.txt is missing"),
    (ZEPHYR, Kind.MISSING, "required files", "AUC 0.87 cannot be recomputed"),
    (L4R5, Kind.VIOLATION, "energy windows", "energy run: 4 windows (5 required)"),
    (L4R5, Kind.VIOLATION, "energy windows", "shortest window 9.987 s (minimum 10 s): window 3"),
    (
        L4R5,
        Kind.VIOLATION,
        "energy over the inferences",
        "10 timestamps, 5 inferences make 11; one of inference 1 is lost",
    ),
    (
        L4R5,
        Kind.VIOLATION,
        "energy over the inferences",
        "7019.085 uJ/inf. was measured between them, 10019.607 over",
    ),
    (L4R5, Kind.VIOLATION, "no error lines", "1 x e-[The run must take at least 10 seconds"),
    (L4R5, Kind.VIOLATION, "energy run at the same speed", "+6.6 %"),
    (
        L4R5,
        Kind.DEVIATION,
        "metrics",
        "energy is claimed to be 7019.085 uJ/inf., the raw lines give 10019.607 (-30 %)",
    ),
    (L4R5, Kind.NOTE, "reading", "the accuracy run follows the EEMBC runner's list"),
    (BOSCH, Kind.VIOLATION, "performance windows", "shortest window 4.797 s (minimum 10 s): windows 1, 2, 3, 4, 5"),
    (BOSCH, Kind.VIOLATION, "no error lines", "5 x e-[The run must take at least 10 seconds"),
    (BOSCH, Kind.VIOLATION, "system description", "names 'Plumerai' as submitter, the folder is that of 'bosch'"),
    (SYNTIANT, Kind.VIOLATION, "system description", "has division 'Open', the folder is 'closed'"),
    (VCU128, Kind.VIOLATION, "performance windows", "shortest window 1.078 s (minimum 10 s): windows 1, 2, 3, 4, 5"),
    (SNAPDRAGON, Kind.MISSING, "required files", "accuracy/log.txt is missing"),
    (SNAPDRAGON, Kind.NOTE, "system description", "holds 4 keys twice"),
]


@pytest.fixture(scope="module")
def review(data_dir: Path) -> Review:
    if not (data_dir / "published").is_dir():
        pytest.skip("needs the official models and data (MLPERF_TINY_DATA): it has no folder published")
    return review_path(data_dir / "published", data_dir)


def result(review: Review, folder: str) -> Reviewed:
    return next(result for result in review.results if result.folder == folder)


def test_published_results_have_their_verdicts(review: Review) -> None:
    assert {r.folder: (r.runner, r.verdict) for r in review.results} == RESULTS
    assert review.exit_code == 5


@pytest.mark.parametrize("folder", METRICS)
def test_published_metrics_are_recomputed(review: Review, folder: str) -> None:
    metrics = {metric.name: metric for metric in result(review, folder).metrics}
    for name, (claimed, value) in METRICS[folder].items():
        assert metrics[name].claimed == claimed, name
        if value is None:
            assert metrics[name].recomputed is None, name
        else:
            digits = 6e-5 if name.startswith("AUC") else 6e-4
            assert metrics[name].recomputed == pytest.approx(value, abs=digits), name


@pytest.mark.parametrize(("folder", "kind", "rule", "words"), FAULTS)
def test_known_faults_are_found(review: Review, folder: str, kind: Kind, rule: str, words: str) -> None:
    found = [f.text for f in result(review, folder).findings if f.kind is kind and f.rule == rule]
    assert any(words in text for text in found), found


@pytest.mark.parametrize("folder", RESULTS)
def test_no_other_fault_is_reported(review: Review, folder: str) -> None:
    known = [(kind, rule) for place, kind, rule, _ in FAULTS if place == folder and kind is not Kind.NOTE]
    for finding in result(review, folder).findings:
        if finding.kind is not Kind.NOTE:
            assert (finding.kind, finding.rule) in known, finding


@pytest.mark.parametrize("folder", [PYNQ, L4R5, U385])
def test_a_part_of_a_tree_gives_the_same_metrics(review: Review, data_dir: Path, folder: str) -> None:
    """Named by itself, a result keeps its metrics; its description is then not found, and stays unread."""
    (part,) = review_path(data_dir / "published" / folder, data_dir).results
    whole = result(review, folder)
    assert [(f.name, f.recomputed) for f in part.metrics] == [(f.name, f.recomputed) for f in whole.metrics]
    assert (part.division, part.submitter, part.benchmark) == (whole.division, whole.submitter, whole.benchmark)
    assert any("is not in the tree" in f.text for f in part.findings)
