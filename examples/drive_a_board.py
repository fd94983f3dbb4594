# SPDX-License-Identifier: Apache-2.0
"""Build the firmware of a shipped model, boot it on an emulated board, and drive it command by command.

    python examples/drive_a_board.py [MODEL] [DEVICE]

A real board is driven by the same ``Session``: open its port with ``open_transport("/dev/ttyACM0")`` instead.
"""

import sys
import tempfile
from pathlib import Path

from mlperf_tiny import EmulatedBoard, EmulatorTransport, Session, find_board, find_model, resolve_parts


def main(model_name: str = "ad-s", device: str = "stm32f746") -> None:
    board, model = find_board(device), find_model(model_name)
    parts = resolve_parts("compiled", board, model)
    with tempfile.TemporaryDirectory() as cache:
        image = parts.build(Path(cache))
        transport = EmulatorTransport(EmulatedBoard(board, image.elf))
        session = Session(transport)
        identity = session.start()
        print(f"{device} holds {identity.model_id} by {identity.vendor}")
        session.load(bytes(parts.model.input.size_bytes))  # an input of zeros; the shipped models take int8 tensors
        window = session.infer(count=5, warmup=1)
        print(f"{window.elapsed_us / window.count / 1000:.3f} ms per inference, results {window.results}")
        transport.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
