# SPDX-License-Identifier: Apache-2.0
"""The MicroNets paper's tables and figures beside what is measured here: ``python -m benchmarks.paper``."""
