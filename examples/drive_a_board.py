# SPDX-License-Identifier: Apache-2.0
"""Build the firmware of a shipped model, boot it on an emulated STM32F746, infer once and print what it cost.

Run it as ``python examples/drive_a_board.py``. A real board works the same way: give ``open_transport`` its port.
"""
