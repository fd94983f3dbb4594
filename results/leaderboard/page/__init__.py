# SPDX-License-Identifier: Apache-2.0
"""A leaderboard as one HTML page that needs nothing from elsewhere and works without its script."""

from results.leaderboard.page.document import render_page

__all__ = ["render_page"]
