# SPDX-License-Identifier: Apache-2.0
"""An MLPerf Tiny benchmark harness with reference MicroNets; ``mlperf_tiny.api`` lists the public names.

Examples:
    >>> import mlperf_tiny
    >>> mlperf_tiny.find_board("stm32f746").cpu
    'cortex-m7'

The names are loaded when they are first used: ``import mlperf_tiny`` and ``mlperf_tiny.errors`` take no time.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mlperf_tiny.api import *  # noqa: F403 - api.__all__ is the one list of the public names
else:
    import importlib
    import importlib.util

    def __getattr__(name: str) -> object:
        """Return a submodule or a name of ``mlperf_tiny.api`` (PEP 562)."""
        if name != "__all__":
            if name.startswith("_"):
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
            if importlib.util.find_spec(f"{__name__}.{name}") is not None:
                return importlib.import_module(f"{__name__}.{name}")
        api = importlib.import_module(f"{__name__}.api")
        if name != "__all__" and name not in api.__all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}; mlperf_tiny.api lists its names")
        value = getattr(api, name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *importlib.import_module(f"{__name__}.api").__all__})
