# SPDX-License-Identifier: Apache-2.0
"""Guest functions as native code: Thumb-2 to LLVM IR, with the exact work of the timing level on each edge."""
