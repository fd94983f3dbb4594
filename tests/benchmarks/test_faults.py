# SPDX-License-Identifier: Apache-2.0
"""A seeded sample of runs with faults: no wrong figure, nothing lost, no untyped error, no hang."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.faults import Study, fake_target, killed_runs, prepare_data, trials
from mlperf_tiny.runners.transports.faults import FAULTS

GOOD = {"right", "resumed"}


@pytest.mark.slow
def test_a_sample_of_faults_on_the_fake_device(tmp_path: Path) -> None:
    study = Study(fake_target(prepare_data(tmp_path)), tmp_path)
    done = list(trials(study, count=3 * len(FAULTS), seed=3))
    assert {trial.fault.name for trial in done} == {fault.name for fault in FAULTS}
    assert [trial for trial in done if trial.outcome not in GOOD] == []


@pytest.mark.slow
def test_without_checksums_only_faults_that_look_right_go_unseen(tmp_path: Path) -> None:
    study = Study(fake_target(prepare_data(tmp_path), offers_crc=False), tmp_path)
    done = list(trials(study, count=2 * len(FAULTS), seed=4))
    assert [trial for trial in done if trial.bad] == []
    assert {trial.outcome for trial in done} <= GOOD | {"WRONG"}


@pytest.mark.slow
@pytest.mark.toolchain
def test_killed_runs_are_resumed_to_the_same_record(tmp_path: Path) -> None:
    done = list(killed_runs(tmp_path, moments=5, seed=1))
    assert all(same for _, same in done), done
    assert max(lines for lines, _ in done) > 0
