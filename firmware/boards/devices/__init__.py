# SPDX-License-Identifier: Apache-2.0
"""One file of facts per device; ``mlperf_tiny.firmware.boards`` finds them."""
