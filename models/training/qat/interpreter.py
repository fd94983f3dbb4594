# SPDX-License-Identifier: Apache-2.0
"""TFLite's interpreter, from whichever package is installed."""

from __future__ import annotations

from typing import Any

from mlperf_tiny.errors import UsageError


def open_interpreter(content: bytes, *, reference_kernels: bool = False) -> Any:
    """Return an interpreter of ``content`` with its tensors allocated, one thread.

    ``reference_kernels`` are slow and what devices are compared with; the others may differ by a step. Raises
    UsageError where neither ai-edge-litert nor TensorFlow is installed.
    """
    try:
        from ai_edge_litert import interpreter as litert
    except ImportError:
        try:
            from tensorflow import lite as litert
        except ImportError as error:
            raise UsageError(
                "training needs TensorFlow, which is not installed: pip install 'mlperf-tiny-harness[train]'"
            ) from error
        resolvers = litert.experimental.OpResolverType
    else:
        resolvers = litert.OpResolverType
    resolver = resolvers.BUILTIN_REF if reference_kernels else resolvers.AUTO
    made = litert.Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    made.allocate_tensors()
    return made
