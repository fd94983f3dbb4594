# SPDX-License-Identifier: Apache-2.0
"""The data path of the console UART, compiled: status, receive data, transmit data.

Bytes take their time. A byte the firmware writes occupies the shift register for one frame (a start bit, eight data
bits, a stop bit); bytes from the host arrive one frame apart, and one that finds the data register still full is lost
with an overrun, as on silicon.

Bytes queued by the host start on the wire when the firmware next waits for them: it polls the status register in a
tight loop with nothing left to send. So what a run does never depends on how fast the host happened to be. A tight
loop also tells that nothing will change before the next event: device time jumps there, and where there is no event
the core is idle until the host sends something.
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.jit_cache import compiled
from mlperf_tiny.runners.emulator.native.state import (
    CYCLES,
    IDLE,
    IDLE_CYCLES,
    INSTRUCTIONS,
    NEXT_ADDRESS,
    RX_BUFFER,
    RX_BYTES,
    STOP_AT,
    TX_BUFFER,
    TX_BYTES,
    UART_FRAME,
    UART_KEEP_NEWEST,
    UART_KIND,
    UART_LOOP_PLACES,
    UART_LOOP_VALUES,
    UART_LOST,
    UART_OVERRUN,
    UART_OVERRUN_SEEN,
    UART_POLL_ARMED,
    UART_POLL_INSTRUCTIONS,
    UART_POLL_REPEATS,
    UART_POLL_VALUE,
    UART_POLLS,
    UART_RX_ARRIVAL,
    UART_RX_DATA,
    UART_RX_FULL,
    UART_RX_HEAD,
    UART_RX_ON,
    UART_RX_TAIL,
    UART_STATUS_BITS,
    UART_TX_COUNT,
    UART_TX_END,
    UART_TX_HELD,
    UART_TX_ON,
    State,
)

# So many equal status reads, each within so many instructions of the one before and with no other register access
# between them, are a waiting loop. Start-up code reads the status a few times in a row too, and compilers unroll
# loops, so neither two reads nor the place of the read tell enough. Once known, a loop is recognised by both: a second
# equal read in the block of a known loop can only be its next turn.
TIGHT_LOOP_REPEATS = 6
TIGHT_LOOP_INSTRUCTIONS = 128
# A firmware that looks at its receiver only now and then is given its bytes after so many looks.
LOOSE_POLLS = 32

ORE, RXNE, TC, TXE, BUSY = 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 16


@compiled
def advance(s: State) -> None:
    """Bring both shift registers up to the present cycle."""
    now = s[CYCLES]
    if s[UART_TX_HELD] and now >= s[UART_TX_END]:
        s[UART_TX_END] += s[UART_FRAME]
        s[UART_TX_HELD] = 0
    while s[UART_RX_ARRIVAL] and now >= s[UART_RX_ARRIVAL]:
        byte = s[RX_BUFFER + s[UART_RX_HEAD] % RX_BYTES]
        s[UART_RX_HEAD] += 1
        if not s[UART_RX_ON]:
            s[UART_LOST] += 1
        elif s[UART_RX_FULL] and not s[UART_KEEP_NEWEST]:
            s[UART_OVERRUN] = 1
            s[UART_OVERRUN_SEEN] = 0
            s[UART_LOST] += 1
        else:
            s[UART_LOST] += s[UART_RX_FULL]
            s[UART_RX_DATA] = byte
            s[UART_RX_FULL] = 1
        if s[UART_RX_HEAD] == s[UART_RX_TAIL]:
            s[UART_RX_ARRIVAL] = 0
        else:
            s[UART_RX_ARRIVAL] += s[UART_FRAME]


@compiled
def status(s: State) -> int:
    """The status register (SR or ISR) as it stands."""
    value = s[UART_STATUS_BITS] | s[UART_OVERRUN] * ORE | s[UART_RX_FULL] * RXNE
    if not s[UART_TX_HELD]:
        value |= TXE
        if s[CYCLES] >= s[UART_TX_END]:
            value |= TC
    if s[UART_KIND] == 2 and s[UART_RX_ARRIVAL]:
        value |= BUSY
    return value


@compiled
def start_line(s: State) -> None:
    """Put the first queued byte on the wire, if there is one and the receiver listens."""
    if s[UART_RX_ARRIVAL] == 0 and s[UART_RX_ON] and s[UART_RX_HEAD] != s[UART_RX_TAIL]:
        s[UART_RX_ARRIVAL] = s[CYCLES] + s[UART_FRAME]


@compiled
def next_event(s: State) -> int:
    """The cycle at which the status will next change by itself; 0 when it will not."""
    event = 0
    if s[CYCLES] < s[UART_TX_END]:
        event = s[UART_TX_END]
    arrival = s[UART_RX_ARRIVAL]
    if arrival and (event == 0 or arrival < event):
        event = arrival
    return event


@compiled
def wait(s: State) -> None:
    """The core only waits: jump to the next event, or mark it idle and ask for a stop."""
    event = next_event(s)
    if event == 0:
        start_line(s)
        event = s[UART_RX_ARRIVAL]
    if event:
        if event > s[CYCLES]:
            s[IDLE_CYCLES] += event - s[CYCLES]
            s[CYCLES] = event
        advance(s)
    elif s[UART_RX_ON] and not s[UART_RX_FULL]:
        s[IDLE] = 1
        s[STOP_AT] = 0


@compiled
def read_status(s: State) -> int:
    """A firmware read of SR or ISR."""
    advance(s)
    value = status(s)
    near = s[INSTRUCTIONS] - s[UART_POLL_INSTRUCTIONS] <= TIGHT_LOOP_INSTRUCTIONS
    again = s[UART_POLL_ARMED] and near and value == s[UART_POLL_VALUE]
    s[UART_POLL_REPEATS] = s[UART_POLL_REPEATS] + 1 if again else 0
    s[UART_POLLS] += 1
    kind = 1 if value & TXE else 0
    known = (
        s[UART_LOOP_PLACES + kind] == s[NEXT_ADDRESS]
        and s[UART_LOOP_VALUES + kind] == value & ~BUSY
        and s[NEXT_ADDRESS] != 0
    )
    if s[UART_POLL_REPEATS] >= (1 if known else TIGHT_LOOP_REPEATS):
        s[UART_LOOP_PLACES + kind] = s[NEXT_ADDRESS]
        s[UART_LOOP_VALUES + kind] = value & ~BUSY
        wait(s)
        value = status(s)
        if value != s[UART_POLL_VALUE]:
            s[UART_POLL_REPEATS] = 0
    elif s[UART_POLLS] >= LOOSE_POLLS and next_event(s) == 0:
        start_line(s)
    s[UART_POLL_ARMED] = 1
    s[UART_POLL_VALUE] = value
    s[UART_POLL_INSTRUCTIONS] = s[INSTRUCTIONS]
    s[UART_OVERRUN_SEEN] = s[UART_OVERRUN]
    return value


@compiled
def read_data(s: State) -> int:
    """A firmware read of DR or RDR: empties the data register; on F4 it ends the clearing of an overrun."""
    advance(s)
    s[UART_POLL_ARMED] = 0
    s[UART_POLLS] = 0
    s[UART_RX_FULL] = 0
    if s[UART_KIND] == 1 and s[UART_OVERRUN_SEEN]:
        s[UART_OVERRUN] = 0
        s[UART_OVERRUN_SEEN] = 0
    return s[UART_RX_DATA]


@compiled
def write_data(s: State, value: int) -> None:
    """A firmware write of DR or TDR; a byte written over one that still waits replaces it, as on silicon."""
    advance(s)
    s[UART_POLL_ARMED] = 0
    s[UART_POLLS] = 0
    if not s[UART_TX_ON]:
        return
    now = s[CYCLES]
    if s[UART_TX_HELD]:
        # The host may have it already, if a turn ended in between.
        s[UART_TX_COUNT] = max(s[UART_TX_COUNT] - 1, 0)
    elif now < s[UART_TX_END]:
        s[UART_TX_HELD] = 1
    else:
        s[UART_TX_END] = now + s[UART_FRAME]
    s[TX_BUFFER + s[UART_TX_COUNT]] = value & 0xFF
    s[UART_TX_COUNT] += 1
    if s[UART_TX_COUNT] > TX_BYTES - 2048:
        # A block is at most 1 KiB, so fewer than 1024 more bytes can come before the stop takes effect.
        s[STOP_AT] = 0
