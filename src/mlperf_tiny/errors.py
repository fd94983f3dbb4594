# SPDX-License-Identifier: Apache-2.0
"""Every error that a user can cause or meet, typed by what the caller can do next.

::

    BenchError                                   exit 1
    ├─ UsageError                                exit 2   unknown device, task, model, URL scheme, bad option
    │   ├─ WrongRequest                          a named path is not there or of another kind, or contradicts the rest
    │   ├─ NotAModel                             a named model file is of another kind
    │   ├─ WrongPort                             what is named as a port is none
    │   └─ WrongTree                             a named source tree is none, or no library was built in it
    ├─ DataError                                 dataset or file missing, or different from its index
    │   └─ TraceRefused                          an energy trace that does not hold the windows of its run
    ├─ BuildError
    │   ├─ ModelInvalid                          the .tflite file is broken or hostile
    │   ├─ UnsupportedOperator                   a valid .tflite has something the compiler does not support
    │   ├─ LibraryUnusable                       a prebuilt library is missing or built for something else
    │   ├─ DoesNotFit                            image or buffers exceed a memory of the device
    │   └─ CompilerFailed                        the cross compiler is missing or reports errors
    ├─ TransportError
    │   ├─ PortUnavailable                       cannot be opened; ``PortInUse``: another process has it
    │   ├─ DeviceSilent                          no answer in time
    │   ├─ DeviceGone                            unplugged, process ended
    │   └─ DeviceCrashed                         the emulated core faulted or left its code; carries a report
    ├─ ProtocolError
    │   ├─ Refused                               the device answered ``e-[...]``
    │   └─ UnexpectedReply                       the device answered something that the command does not allow
    ├─ RecordError                               a run folder is damaged or belongs to another run
    └─ HeldElsewhere                             another process holds a run folder

A finished run that violates a benchmark rule is data (``RunRecord.violations``), not an exception.
A message has what is wrong, where, got and wanted, and the next step.
One rule decides the exit status: 2, the request is wrong: a word of it or an environment variable is unknown, missing
(no folder to write to), names what is not there or of another kind, or contradicts another word. 1, it failed: what is
named is damaged, too large, not supported or silent, or the result cannot be written.
This module imports nothing of the project; every package may import it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MIN_PART = 3
"""Characters of a part of a name that stands for the name."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question that follows a list of known names; "" where none of them is close.

    Args:
        name: What the user wrote.
        known: The names there are.

    Examples:
        >>> did_you_mean("stm32f764", ["stm32f446", "stm32f746", "host"])
        " Did you mean 'stm32f746'?"
        >>> did_you_mean("kws-s", ["micronet-kws-s", "micronet-kws-m"])
        " Did you mean 'micronet-kws-s'?"
    """
    by_lower_case = {known_name.lower(): known_name for known_name in known}
    word = name[:100].lower()
    close = difflib.get_close_matches(word, by_lower_case, n=1, cutoff=0.6)
    if not close and len(word) >= MIN_PART:
        close = [whole for whole in by_lower_case if word in whole][:1]
    return f" Did you mean {by_lower_case[close[0]]!r}?" if close else ""


class BenchError(Exception):
    """Base of all errors that are shown to the user as one sentence."""

    exit_code = 1
    """Exit status of a command that ends with this error."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error of a worker process arrive whole: the arguments of most classes are not their message."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[BenchError], args: tuple[Any, ...], facts: dict[str, Any]) -> BenchError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class UsageError(BenchError):
    """The command line asks for something unknown, or for options that exclude each other."""

    exit_code = 2


class DataError(BenchError):
    """A dataset, file or label list is missing or differs from its index."""


class TraceRefused(DataError):
    """An energy trace whose samples or timestamps do not give the windows of its run."""

    def __init__(self, where: str, reason: str, advice: str = "Measure again.") -> None:
        self.where, self.reason = where, reason
        super().__init__(f"{where} gives no energy: {reason}. {advice}")


class BuildError(BenchError):
    """The model cannot be built into an image for the device."""


class ModelInvalid(BuildError):
    """The .tflite file is broken: truncated, cyclic, inconsistent, or not a TFLite model at all."""

    def __init__(self, source: str, problem: str, advice: str = "Convert it again or name another file.") -> None:
        self.source, self.problem = source, problem
        super().__init__(f"{source} is not a usable TFLite model: {problem}. {advice}")


class NotAModel(UsageError, ModelInvalid):
    """The file that is named as a model is of another kind."""


class UnsupportedOperator(BuildError):
    """A valid model has an operator or attribute that the compiler does not support."""

    def __init__(self, operator: str, where: str, reason: str) -> None:
        self.operator, self.where, self.reason = operator, where, reason
        super().__init__(f"operator {operator} at {where} cannot be compiled: {reason}.")


class LibraryUnusable(BuildError):
    """A library of the engine is missing, damaged, or built for another core."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path} cannot be used: {problem}")


class WrongTree(UsageError, LibraryUnusable):
    """What is named as an engine's source tree is none, or has no library in it."""


class DoesNotFit(BuildError):
    """The image needs more of a memory than the device has."""

    def __init__(self, device: str, region: str, need_bytes: int, have_bytes: int) -> None:
        self.device, self.region, self.need_bytes, self.have_bytes = device, region, need_bytes, have_bytes
        super().__init__(
            f"the image does not fit {device}: {region} needs {need_bytes:,} bytes, has {have_bytes:,} "
            f"({need_bytes - have_bytes:,} too many). Use a smaller model or a larger device "
            "(benchmark-devices lists them)."
        )


class CompilerFailed(BuildError):
    """The cross compiler is missing or reports errors; ``detail`` holds what it printed."""

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


class WrongPort(UsageError, PortUnavailable):
    """What is named as a port is none: a URL of an unknown kind, a folder, a program that is not there."""

    def __init__(self, url: str, reason: str, advice: str = "Write /dev/ttyACM0, COM3 or socket://HOST:PORT.") -> None:
        self.url, self.reason = url, reason
        BenchError.__init__(self, f"cannot open {url!r}: {reason}. {advice}")


class PortInUse(PortUnavailable):
    """Another process has the serial port open for itself."""

    def __init__(self, url: str, holder: str) -> None:
        TransportError.__init__(
            self, f"cannot open {url}: it is in use by {holder}. End that, or wait for it, then start this again."
        )
        self.url, self.reason = url, f"in use by {holder}"


class DeviceSilent(TransportError):
    """The device gave no complete answer within the deadline."""

    def __init__(self, command: str, waited_s: float, received: str = "") -> None:
        self.command, self.waited_s, self.received = command, waited_s, received
        got = f"got only {received!r}" if received else "got nothing"
        super().__init__(
            f"the device did not finish answering {command!r} in {waited_s:g} s ({got}, wanted a line 'm-ready'). "
            "Reset the board, check the baud rate, or raise --timeout."
        )


class DeviceGone(TransportError):
    """The other end closed the connection: cable pulled, process ended, connection reset."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(
            f"connection to {url} lost: {reason}. The recorded part of the run is kept; continue with --resume."
        )


class DeviceCrashed(TransportError):
    """The emulated core faulted or left its code; ``report`` holds PC, symbol and registers."""

    def __init__(self, device: str, summary: str, report: str) -> None:
        self.device, self.summary, self.report = device, summary, report
        super().__init__(f"emulated {device} crashed: {summary}\n{report}")


class ProtocolError(BenchError):
    """The device answered, but not as the protocol defines."""


class Refused(ProtocolError):
    """The device answered ``e-[text]``; never ignored."""

    def __init__(self, command: str, text: str) -> None:
        self.command, self.text = command, text
        super().__init__(f"the device refused {command!r}: {text}")


class UnexpectedReply(ProtocolError):
    """A reply lacks what the command must return (a lap, a result, a load confirmation)."""

    def __init__(self, command: str, wanted: str, raw: str) -> None:
        self.command, self.wanted, self.raw = command, wanted, raw
        super().__init__(f"the answer to {command!r} lacks {wanted}; the device sent {raw!r}")


class SurplusReply(UnexpectedReply):
    """A reply holds more than the command asks for (three laps, two results): which of them counts is unknown."""

    def __init__(self, command: str, surplus: str, raw: str) -> None:
        super().__init__(command, surplus, raw)
        self.args = (
            f"the answer to {command!r} holds {surplus}, so nothing in it counts; the device sent {raw!r}. "
            "Reset the device and run again; if it stays so, correct its firmware",
        )


class RecordError(BenchError):
    """A run folder is damaged, or belongs to a run with other settings."""


class WrongRequest(UsageError, DataError, RecordError):
    """The command line names a file, folder or run that is not there, of another kind, or contradicts its options."""


class HeldElsewhere(BenchError):
    """Another process holds what only one at a time may write."""

    def __init__(self, place: str, holder: str) -> None:
        self.place, self.holder = place, holder
        super().__init__(f"{place} is in use by {holder}. Wait until that ends, then start this again.")
