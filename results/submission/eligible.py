# SPDX-License-Identifier: Apache-2.0
"""Why a run may not be submitted: rows over its settings, which are known before it runs, and over its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlperf_tiny.harness.image.build import source_digest
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.settings import UNKNOWN_DEVICE, Settings
from mlperf_tiny.harness.record.violation import RuleId
from mlperf_tiny.harness.run.request import MODES
from mlperf_tiny.models.data.formats import labels
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.results.submission.runner_files import Quality


@dataclass(frozen=True, kw_only=True)
class IneligibilityCheck:
    """One reason why a run may not be submitted."""

    reason: Callable[[Settings], str]
    """Returns the reason as a phrase, "" where there is none."""
    is_rule: bool = False
    """Whether a rule of ``mlperf_tiny.harness.record.rules`` finds the same in the record of a finished run."""


def _other_modes(settings: Settings) -> str:
    missing = [mode for mode in MODES if mode not in settings.modes]
    return f"it has no {' and no '.join(missing)} part" if missing else ""


def _part(settings: Settings) -> str:
    return f"it is cut to {settings.limit} samples" if settings.limit is not None else ""


def _synthetic_data(settings: Settings) -> str:
    return "" if settings.data.source == "real" else f"its data is {settings.data.source}, not the benchmark's own"


def _part_of_a_list(settings: Settings) -> str:
    if settings.data.source != "real" or settings.data.complete:
        return ""
    return (
        f"its {len(settings.data.listed)} files are not a complete official list of {find_task(settings.task).model_id}"
    )


def _other_list(settings: Settings) -> str:
    data_id = find_task(settings.task).data_id
    digests = {row.digest for row in labels.OFFICIAL_LISTS[data_id]}
    if settings.data.source != "real" or not settings.data.complete or settings.data.digest in digests:
        return ""
    return f"its files are not those of {data_id} ({settings.data.summary})"


def _unknown_model(settings: Settings) -> str:
    return "" if settings.model.sha256 else "the model on the board is not known (name it with --model)"


def _unknown_board(settings: Settings) -> str:
    unnamed = settings.device.device == UNKNOWN_DEVICE
    return "the board is not known (name it with --device)" if unnamed else ""


def _other_sources(settings: Settings) -> str:
    firmware = settings.firmware
    if firmware is None or firmware.source_digest == source_digest():
        return ""
    made = f"from sources {firmware.source_digest[:12]}" if firmware.source_digest else "before sources were recorded"
    return f"its image was made {made}, this program has {source_digest()[:12]} (make the run again)"


CHECKS: tuple[IneligibilityCheck, ...] = (
    IneligibilityCheck(reason=_other_modes),
    IneligibilityCheck(reason=_part, is_rule=True),
    IneligibilityCheck(reason=_synthetic_data, is_rule=True),
    IneligibilityCheck(reason=_part_of_a_list, is_rule=True),
    IneligibilityCheck(reason=_other_list),
    IneligibilityCheck(reason=_unknown_model),
    IneligibilityCheck(reason=_unknown_board),
    IneligibilityCheck(reason=_other_sources),
)


def reasons_before_run(settings: Settings) -> tuple[str, ...]:
    """Return why a run with these settings can never be submitted; () when it can."""
    return tuple(reason for check in CHECKS if (reason := check.reason(settings)))


def reasons_after_run(record: RunRecord, quality: Quality) -> tuple[str, ...]:
    """Return why a run may not be submitted; () when it may.

    Args:
        record: The run.
        quality: Its accuracy as MLCommons' runner prints it.
    """
    reasons = [reason for check in CHECKS if not check.is_rule and (reason := check.reason(record.settings))]
    if not record.complete:
        reasons.append("it is not finished (resume it with --resume)")
    if record.chain_digest is None:
        reasons.append("its transcript is of a format without a hash chain (make the run again)")
    reasons += [f"rule violation: {violation.text}" for violation in record.violations]
    return (*reasons, *_not_as_printed(record, quality))


def _not_as_printed(record: RunRecord, quality: Quality) -> list[str]:
    """What MLCommons' own checker finds in the metrics that its runner prints.

    It compares the printed digits, and that runner prints an AUC with three of them: 0.846 is then below 0.85, while
    EEMBC's, with two, passed it.
    """
    if record.accuracy is None:
        return []
    task = find_task(record.settings.task)
    if quality.top1 is None or quality.auc is None:
        return ["its answers give no AUC by MLCommons' method (a class is missing, or an answer adds up to 0)"]
    printed = quality.claim(task)
    if record.settings.division != "closed" or float(printed) >= task.target or _misses_target(record):
        return []
    return [f"{task.metric.value} is printed as {printed}, the closed division needs {task.target:g}"]


def _misses_target(record: RunRecord) -> bool:
    return any(violation.rule is RuleId.QUALITY_TARGET for violation in record.violations)
