# SPDX-License-Identifier: Apache-2.0
"""All files of one result, from a run: a pure function, so that the same run gives the same bytes anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import record_text
from mlperf_tiny.results.mlperf.names import Names
from mlperf_tiny.results.submission.code_folder import MODEL, RUN_RECORD, RUN_TRANSCRIPT, code_folder
from mlperf_tiny.results.submission.description import description
from mlperf_tiny.results.submission.inferences import Inferences
from mlperf_tiny.results.submission.manifest import MANIFEST_FILE, manifest_text, sha256
from mlperf_tiny.results.submission.runner_files import runner_files


@dataclass(frozen=True)
class ResultFiles:
    """The files of one result."""

    names: Names
    """The names it has in the tree."""
    description: bytes
    """The system description, which other results share."""
    code: dict[str, bytes]
    """Path below the code folder -> content."""
    results: dict[str, bytes]
    """Path below the results folder -> content."""

    def by_path(self) -> dict[str, bytes]:
        """Return all of them: path below the submitter's folder -> content, in order of path."""
        files = {self.names.description: self.description}
        files |= {f"{self.names.code}/{name}": content for name, content in self.code.items()}
        files |= {f"{self.names.results}/{name}": content for name, content in self.results.items()}
        return dict(sorted(files.items()))


def result_files(
    record: RunRecord,
    inferences: Inferences,
    names: Names,
    model: bytes,
    transcript: bytes,
    overrides: Mapping[str, str] | None = None,
) -> ResultFiles:
    """Return the files of the result of a run.

    Args:
        record: The run.
        inferences: Its inferences.
        names: The names its result has in the tree.
        model: The .tflite file.
        transcript: The transcript file.
        overrides: The submitter's values of the system description.

    Raises:
        RecordError: The run lacks a part.
        BuildError: The model cannot be compiled.
    """
    files = ResultFiles(
        names,
        description(record, names, overrides),
        code_folder(record, names, {MODEL: model, RUN_TRANSCRIPT: transcript, RUN_RECORD: record_text(record)}),
        runner_files(record, inferences),
    )
    digests = {path: sha256(content) for path, content in files.by_path().items()}
    files.code[MANIFEST_FILE] = manifest_text(record, names, digests)
    return files
