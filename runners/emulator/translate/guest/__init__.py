# SPDX-License-Identifier: Apache-2.0
"""The guest as a translation sees it: its blocks, registers, flags and memories, and what its edges cost."""
