# SPDX-License-Identifier: Apache-2.0
"""From a clip or an image to a network's input: one module for each published recipe, one row each in pipelines.

``pipelines`` is the table that the rest of the project uses; ``clip`` and ``mel`` hold what several recipes share.
"""
