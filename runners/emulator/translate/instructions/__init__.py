# SPDX-License-Identifier: Apache-2.0
"""The meaning of each instruction, as LLVM IR."""
