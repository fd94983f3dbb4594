# SPDX-License-Identifier: Apache-2.0
"""Files in a folder or in a .zip, read without trusting them and without unpacking anything to disk.

Names that lead out, links, special files and archives inside archives are never opened. Every read is bounded, and so
are all reads together: a tree made to fill the memory ends in a DataError.
"""

from mlperf_tiny.file_tree.content_kind import ContentKind, content_kind, problem_of, refuse_placeholder
from mlperf_tiny.file_tree.data_files import (
    DataFiles,
    StoredFile,
    data_files,
    data_files_by_name,
    refuse_placeholders,
)
from mlperf_tiny.file_tree.limits import DATA_SET, MAX_LINE_BYTES, SUBMISSION, Allowance, ReadLimits
from mlperf_tiny.file_tree.text_file import text_of
from mlperf_tiny.file_tree.tree import FileTree, open_file_tree

__all__ = [
    "DATA_SET",
    "MAX_LINE_BYTES",
    "SUBMISSION",
    "Allowance",
    "ContentKind",
    "DataFiles",
    "FileTree",
    "ReadLimits",
    "StoredFile",
    "content_kind",
    "data_files",
    "data_files_by_name",
    "open_file_tree",
    "problem_of",
    "refuse_placeholder",
    "refuse_placeholders",
    "text_of",
]
