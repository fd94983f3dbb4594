# SPDX-License-Identifier: Apache-2.0
"""The exact work of the timing levels, as LLVM IR: on edges between blocks, and for accesses."""
