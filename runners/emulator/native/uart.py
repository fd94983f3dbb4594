# SPDX-License-Identifier: Apache-2.0
"""The data path of the console UART, compiled: status, receive data, transmit data.

Bytes take their time. A byte the firmware writes occupies the shift register for one frame (a start bit, eight data
bits, a stop bit); bytes from the host arrive one frame apart, and one that finds the data register still full is lost
with an overrun, as on silicon.

Bytes queued by the host start on the wire when the firmware next waits for them: it polls the status register in a
tight loop with nothing left to send. So what a run does never depends on how fast the host happened to be. In a tight
loop nothing will change before the next event: device time jumps there, and where there is no event
the core is idle until the host sends something.
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.jit_cache import compiled
from mlperf_tiny.runners.emulator.native.state import RX_BYTES, TX_BYTES, Record

# So many equal status reads, each within so many instructions of the one before and with no other register access
# between them, are a waiting loop. Start-up code reads the status a few times in a row too, and compilers unroll
# loops, so neither two reads nor the place of the read suffice. Once known, a loop is recognised by both: a second
# equal read in the block of a known loop can only be its next iteration.
TIGHT_LOOP_REPEATS = 6
TIGHT_LOOP_INSTRUCTIONS = 128
# A firmware that looks at its receiver only now and then is given its bytes after so many looks.
LOOSE_POLLS = 32

ORE, RXNE, TC, TXE, BUSY = 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 16


@compiled
def advance(s: Record) -> None:
    """Bring both shift registers up to the present cycle."""
    now = s.core.cycles
    if s.uart.tx_held and now >= s.uart.tx_end:
        s.uart.tx_end += s.uart.frame
        s.uart.tx_held = 0
    while s.uart.rx_arrival and now >= s.uart.rx_arrival:
        byte = s.rx[s.uart.rx_head % RX_BYTES]
        s.uart.rx_head += 1
        if not s.uart.rx_on:
            s.console.lost += 1
        elif s.uart.rx_full and not s.uart.keep_newest:
            s.uart.overrun = 1
            s.uart.overrun_seen = 0
            s.console.lost += 1
        else:
            s.console.lost += s.uart.rx_full
            s.uart.rx_data = byte
            s.uart.rx_full = 1
        if s.uart.rx_head == s.uart.rx_tail:
            s.uart.rx_arrival = 0
        else:
            s.uart.rx_arrival += s.uart.frame


@compiled
def status(s: Record) -> int:
    """The status register (SR or ISR) as it stands."""
    value = s.uart.status_bits | s.uart.overrun * ORE | s.uart.rx_full * RXNE
    if not s.uart.tx_held:
        value |= TXE
        if s.core.cycles >= s.uart.tx_end:
            value |= TC
    if s.uart.kind == 2 and s.uart.rx_arrival:
        value |= BUSY
    return value


@compiled
def start_line(s: Record) -> None:
    """Put the first queued byte on the wire, if there is one and the receiver listens."""
    if s.uart.rx_arrival == 0 and s.uart.rx_on and s.uart.rx_head != s.uart.rx_tail:
        s.uart.rx_arrival = s.core.cycles + s.uart.frame
        if s.uart.rx_interrupts:
            s.core.interrupt_at = min(s.core.interrupt_at, s.uart.rx_arrival)


@compiled
def next_event(s: Record) -> int:
    """The cycle at which the status will next change by itself; 0 when it will not."""
    event = 0
    if s.core.cycles < s.uart.tx_end:
        event = s.uart.tx_end
    arrival = s.uart.rx_arrival
    if arrival and (event == 0 or arrival < event):
        event = arrival
    return event


@compiled
def wait(s: Record) -> None:
    """The core only waits: jump to the next event, or mark it idle and request a stop."""
    event = next_event(s)
    if event == 0:
        start_line(s)
        event = s.uart.rx_arrival
    if event:
        if event > s.core.cycles:
            s.core.idle_cycles += event - s.core.cycles
            s.core.cycles = event
        advance(s)
    elif s.uart.rx_on and not s.uart.rx_full:
        s.core.idle = 1
        s.core.stop_at = 0


@compiled
def read_status(s: Record) -> int:
    """A firmware read of SR or ISR."""
    advance(s)
    value = status(s)
    near = s.core.instructions - s.uart.poll_instructions <= TIGHT_LOOP_INSTRUCTIONS
    again = s.uart.poll_armed and near and value == s.uart.poll_value
    s.uart.poll_repeats = s.uart.poll_repeats + 1 if again else 0
    s.uart.polls += 1
    kind = 1 if value & TXE else 0
    known = (
        s.console.loop_places[kind] == s.core.next_address
        and s.console.loop_values[kind] == value & ~BUSY
        and s.core.next_address != 0
    )
    if s.uart.poll_repeats >= (1 if known else TIGHT_LOOP_REPEATS):
        s.console.loop_places[kind] = s.core.next_address
        s.console.loop_values[kind] = value & ~BUSY
        wait(s)
        value = status(s)
        if value != s.uart.poll_value:
            s.uart.poll_repeats = 0
    elif s.uart.polls >= LOOSE_POLLS and next_event(s) == 0:
        start_line(s)
    s.uart.poll_armed = 1
    s.uart.poll_value = value
    s.uart.poll_instructions = s.core.instructions
    s.uart.overrun_seen = s.uart.overrun
    return value


@compiled
def read_data(s: Record) -> int:
    """A firmware read of DR or RDR: empties the data register; on F4 it ends the clearing of an overrun."""
    advance(s)
    s.uart.poll_armed = 0
    s.uart.polls = 0
    s.uart.rx_full = 0
    if s.uart.kind == 1 and s.uart.overrun_seen:
        s.uart.overrun = 0
        s.uart.overrun_seen = 0
    return s.uart.rx_data


@compiled
def write_data(s: Record, value: int) -> None:
    """A firmware write of DR or TDR; a byte written over one that still waits replaces it, as on silicon.

    Args:
        s: The shared state.
        value: The low 8 bits are sent.
    """
    advance(s)
    s.uart.poll_armed = 0
    s.uart.polls = 0
    if not s.uart.tx_on:
        return
    now = s.core.cycles
    if s.uart.tx_held:
        # The host may have it already, if a time slice ended in between.
        s.uart.tx_count = max(s.uart.tx_count - 1, 0)
    elif now < s.uart.tx_end:
        s.uart.tx_held = 1
    else:
        s.uart.tx_end = now + s.uart.frame
    s.tx[s.uart.tx_count] = value & 0xFF
    s.uart.tx_count += 1
    if s.uart.tx_count > TX_BYTES - 2048:
        # A block is at most 1 KiB, so fewer than 1024 more bytes can come before the stop takes effect.
        s.core.stop_at = 0
