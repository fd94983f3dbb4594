# SPDX-License-Identifier: Apache-2.0
"""From a clip or a picture to what a network is fed: one module for each published recipe, one row each in pipelines.

``pipelines`` is the table the rest of the project uses; ``clip`` and ``mel`` hold what several recipes share.
"""
