# SPDX-License-Identifier: Apache-2.0
"""Which section of which document a finding rests on, by the name of its rule.

The documents are those of mlcommons/tiny at commit 1afd2c98: ``benchmark/MLPerfTiny_Rules.adoc`` with the numbers of
its sections, READMEs, and the runners, which hold what a valid window is and no document says; and
``directory_structure.adoc`` of the results repositories. What no document demands says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlperf_tiny.harness.record.violation import RuleId

RULES = "MLPerfTiny_Rules.adoc"
STRUCTURE = "directory_structure.adoc"

_WINDOWS = f"{RULES} 5 (Benchmark Runner): what the runners take as valid"
_TARGET = f"{RULES} 4.1.1 (Constraints for the Closed division); of ic2: benchmark/README.md"
_DATA = f"{RULES} 7 (Data Sets)"
_ONE_CODE = f"{RULES} 5.1 (EnergyRunner benchmark framework): the same code in both modes"
_ORGANISATION = f"{STRUCTURE}: <submitting_organization>; {RULES} 2.3 (Several submissions)"
_REPLICABLE = f"{RULES} 2.4 (Replicability)"
_VERIFIABLE = f"{RULES} 9 (Reproducibility and Availability)"
_FILES = f"{STRUCTURE}: mandatory files"
_OWN = "no rule of the benchmark: docs/review.md, results of this program"
_READER = "no rule: for the reader"

SECTION_OF_RULE_ID: Mapping[RuleId, str] = {
    RuleId.FIVE_WINDOWS: _WINDOWS,
    RuleId.WINDOW_LENGTH: _WINDOWS,
    RuleId.WINDOW_ITERATIONS: _WINDOWS,
    RuleId.FIVE_INPUTS: _WINDOWS,
    RuleId.QUALITY_TARGET: _TARGET,
    RuleId.ALL_FILES: _DATA,
    RuleId.LISTED_FILES: _DATA,
    RuleId.FILES_ONCE: _DATA,
    RuleId.FILES_IN_ORDER: _DATA,
    RuleId.OFFICIAL_LIST: _DATA,
    RuleId.MODEL_ID: f"{STRUCTURE}: <benchmark>",
    RuleId.REAL_DATA: _DATA,
    RuleId.NO_ERROR_LINES: _WINDOWS,
}

SECTION_OF_RULE: Mapping[str, str] = {
    "energy over the inferences": _REPLICABLE,
    "official file list": _DATA,
    "quality target as claimed": _TARGET,
    "wake word limits": _TARGET,
    "fifty wake words": "tools/submission/submission_checker.py, sww_perf_acc",
    "no error lines": _WINDOWS,
    "model id equals folder": f"{STRUCTURE}: <benchmark>",
    "one firmware": _ONE_CODE,
    "energy run at the same speed": f"{RULES} 2.2 (System and framework must be consistent)",
    "performance inputs": _DATA,
    "system description": f"{STRUCTURE}: <system_desc_id>.json; {RULES} 9 (Reproducibility and Availability)",
    "submitter is an organisation": _ORGANISATION,
    "ic2 needs ic": f"{RULES} 2.9 (Progressively Larger Submissions Required)",
    "runner permitted": f"{RULES} 5.1 (EnergyRunner benchmark framework)",
    "metrics": _VERIFIABLE,
    "windows as claimed": _VERIFIABLE,
    "script and log": _VERIFIABLE,
    "one list of detections": _VERIFIABLE,
    "log is whole": _FILES,
    "required files": _FILES,
    "readable files": _FILES,
    "same N in both runs": _READER,
    "supply voltage": _READER,
    "documented wake word window": "benchmark/runner/README.md (Streaming Test)",
    "EEMBC_RUNNER": f"{STRUCTURE}: EEMBC_RUNNER",
    "reading": _READER,
    "files as submitted": _OWN,
    "reproduced from the transcript": _OWN,
    "chain of the transcript": _OWN,
    "record": _OWN,
    "files of the run": _OWN,
    "rules of the run": _FILES,
    "names": f"{STRUCTURE}: names of the folders",
    "no silicon": f"{RULES} 9.3 (Research, Development, or Internal Systems)",
    "closed model": f"{RULES} 8.2 (Model Equivalence)",
}
"""Of rules that stand for several of ``RuleId``, ``SECTION_OF_RULE_ID`` has the sections."""
