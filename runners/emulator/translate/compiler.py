# SPDX-License-Identifier: Apache-2.0
"""LLVM: the text of a translation to an object file for this host, and object files into this process."""

from __future__ import annotations

import threading
from functools import cache
from inspect import signature
from typing import Any

# One thread at a time: LLVM's passes and the linker keep state of their own.
_LOCK = threading.Lock()
# LLVM's effort for code: at the lower one it takes a tenth of the time, for code that is two thirds as fast.
_CODE_LEVEL, _CODE_LEVEL_QUICK = 1, 0


@cache
def _machine(code_level: int) -> Any:
    return _new_machine(code_level)


def _new_machine(code_level: int) -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features().flatten()
    target = binding.Target.from_default_triple()
    return target.create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features, opt=code_level, reloc="pic", codemodel="small", jit=True
    )


@cache
def host() -> str:
    """What an object file depends on beside its text: LLVM, the processor and its features."""
    from llvmlite import __version__, binding

    features = binding.get_host_cpu_features().flatten()
    parts = (__version__, str(binding.llvm_version_info), binding.get_process_triple(), binding.get_host_cpu_name())
    return "\n".join((*parts, features))


def compile_text(text: str, is_quick: bool) -> bytes:
    """Return the object file of a module.

    Args:
        text: In LLVM's language.
        is_quick: Whether its time matters more than its code's.

    Raises:
        RuntimeError: where LLVM refuses it.
    """
    from llvmlite import binding

    machine = _machine(_CODE_LEVEL_QUICK if is_quick else _CODE_LEVEL)
    with _LOCK:
        # With a context of its own nothing is left of it afterwards.
        module = binding.parse_assembly(text, context=binding.create_context())
        module.triple = machine.triple
        module.data_layout = str(machine.target_data)
        if not is_quick:
            _improve(module, machine)
        return bytes(machine.emit_object(module))


def _improve(module: Any, machine: Any) -> None:
    """What is done to a text before it becomes code, where its speed matters."""
    from llvmlite import binding

    builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=1))
    manager = binding.create_new_module_pass_manager()
    manager.add_always_inliner_pass()
    manager.add_instruction_combine_pass()
    manager.add_simplify_cfg_pass()
    manager.run(module, builder)


class Loader:
    """Object files in this process; they are released with it."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._addresses: dict[str, int] = {}

    def load(self, name: str, content: bytes) -> int:
        """Return the address of the function of an object file.

        Args:
            name: The function's, of its own for each object file.
            content: The file.

        Raises:
            RuntimeError: for what is no object file with such a function.
        """
        from llvmlite import binding

        with _LOCK:
            if self._engine is None:
                # The machine is released with the engine. A context of its own could be released before it.
                # All sections of an object lie together: one by one they may come to lie further apart than a relative
                # address reaches, where another thread maps a board's memories in between, and LLVM then aborts.
                together = {"use_lmm": True} if "use_lmm" in signature(binding.create_mcjit_compiler).parameters else {}
                machine = _new_machine(_CODE_LEVEL)
                self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine, **together)
            address = self._addresses.get(name)
            if address is None:
                self._engine.add_object_file(binding.ObjectFileRef.from_data(content))
                self._engine.finalize_object()
                address = self._engine.get_function_address(name)
                if not address:
                    raise RuntimeError(f"an object file without {name}")
                self._addresses[name] = address
            return int(address)
