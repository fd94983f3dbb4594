# SPDX-License-Identifier: Apache-2.0
"""Every error a user can meet, typed by what the caller can do next.

::

    BenchError                                   exit 1
    ├─ UsageError                                exit 2   unknown device, task, model, URL scheme, bad option
    ├─ DataError                                 data set or file missing, or not what its index says
    ├─ BuildError
    │   ├─ ModelInvalid                          the .tflite is broken or hostile
    │   ├─ UnsupportedOperator                   a sound .tflite holds something the compiler does not do
    │   ├─ LibraryUnusable                       a prebuilt library is missing or for something else
    │   ├─ DoesNotFit                            image or buffers exceed a memory of the device
    │   └─ CompilerFailed                        the cross compiler is missing or refused the code
    ├─ TransportError
    │   ├─ PortUnavailable                       cannot be opened
    │   ├─ DeviceSilent                          no answer in time
    │   ├─ DeviceGone                            unplugged, process ended
    │   └─ DeviceCrashed                         the emulated core faulted or ran away; carries a report
    ├─ ProtocolError
    │   ├─ Refused                               the device answered ``e-[...]``
    │   └─ UnexpectedReply                       the device answered something the command cannot mean
    └─ RecordError                               a run folder is damaged or belongs to another run

A finished run that breaks a benchmark rule is data (``RunRecord.violations``), not an exception.
Messages say what happened, on which thing, what was got, what was wanted, and the next step.
This module imports nothing of the project; every package may import it.
"""

from __future__ import annotations

from pathlib import Path


class BenchError(Exception):
    """Base of all errors shown to the user as one sentence; ``exit_code`` is the process exit status."""

    exit_code = 1


class UsageError(BenchError):
    """The command line asks for something that does not exist or does not go together."""

    exit_code = 2


class DataError(BenchError):
    """A data set, file or label list is missing or is not what its index says."""


class BuildError(BenchError):
    """The model cannot be turned into an image for the device."""


class ModelInvalid(BuildError):
    """The .tflite file is broken: truncated, cyclic, inconsistent, or not a TFLite model at all."""

    def __init__(self, source: str, problem: str) -> None:
        self.source, self.problem = source, problem
        super().__init__(f"{source} is not a usable TFLite model: {problem}. Convert it again or name another file.")


class UnsupportedOperator(BuildError):
    """A sound model holds an operator or attribute the compiler does not do."""

    def __init__(self, operator: str, where: str, reason: str) -> None:
        self.operator, self.where, self.reason = operator, where, reason
        super().__init__(f"operator {operator} at {where} cannot be compiled: {reason}.")


class LibraryUnusable(BuildError):
    """A library that the engine is linked with is missing, damaged, or was built for something else."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path} cannot be used: {problem}")


class DoesNotFit(BuildError):
    """The image needs more of a memory than the device has."""

    def __init__(self, device: str, region: str, need_bytes: int, have_bytes: int) -> None:
        self.device, self.region, self.need_bytes, self.have_bytes = device, region, need_bytes, have_bytes
        super().__init__(
            f"the image does not fit {device}: {region} needs {need_bytes:,} bytes, has {have_bytes:,} "
            f"({need_bytes - have_bytes:,} too many). Take a smaller model or a larger device "
            "(benchmark-devices lists them)."
        )


class CompilerFailed(BuildError):
    """The cross compiler is missing, or refused the code; ``detail`` holds what it printed."""

    def __init__(self, compiler: str, problem: str, detail: str = "") -> None:
        self.compiler, self.problem, self.detail = compiler, problem, detail
        super().__init__(f"{compiler}: {problem}" + (f"\n{detail.rstrip()}" if detail else ""))


class TransportError(BenchError):
    """The byte pipe to the device failed."""


class PortUnavailable(TransportError):
    """The port or URL cannot be opened."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(
            f"cannot open {url}: {reason}. Check the cable and the port name, and that no other program holds it."
        )


class DeviceSilent(TransportError):
    """No complete answer within the deadline."""

    def __init__(self, command: str, waited_s: float, received: str = "") -> None:
        self.command, self.waited_s, self.received = command, waited_s, received
        got = f"got only {received!r}" if received else "got nothing"
        super().__init__(
            f"the device did not finish answering {command!r} in {waited_s:g} s ({got}, wanted a line 'm-ready'). "
            "Reset the board, check the baud rate, or raise --timeout."
        )


class DeviceGone(TransportError):
    """The other end closed the pipe: cable pulled, process ended, connection reset."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url} went away: {reason}. What was recorded is kept; start again with --resume.")


class DeviceCrashed(TransportError):
    """The emulated core faulted or ran away; ``report`` holds PC, symbol and registers."""

    def __init__(self, device: str, summary: str, report: str) -> None:
        self.device, self.summary, self.report = device, summary, report
        super().__init__(f"emulated {device} crashed: {summary}\n{report}")


class ProtocolError(BenchError):
    """The device speaks, but not as the protocol says."""


class Refused(ProtocolError):
    """The device answered ``e-[text]``; never ignored."""

    def __init__(self, command: str, text: str) -> None:
        self.command, self.text = command, text
        super().__init__(f"the device refused {command!r}: {text}")


class UnexpectedReply(ProtocolError):
    """A reply lacks what the command must give (a lap, a result, a load confirmation)."""

    def __init__(self, command: str, wanted: str, raw: str) -> None:
        self.command, self.wanted, self.raw = command, wanted, raw
        super().__init__(f"the answer to {command!r} lacks {wanted}; the device sent {raw!r}")


class RecordError(BenchError):
    """A run folder is damaged, or belongs to a run with other settings."""
