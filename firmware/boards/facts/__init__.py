# SPDX-License-Identifier: Apache-2.0
"""The types of a device's facts, and what all chips of a family have in common."""
