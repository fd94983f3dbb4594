# SPDX-License-Identifier: Apache-2.0
"""Register models, one class per kind of peripheral."""
