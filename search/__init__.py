# SPDX-License-Identifier: Apache-2.0
"""Architecture search: an Arch that holds choices in, an Arch without out."""
