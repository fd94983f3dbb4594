# SPDX-License-Identifier: Apache-2.0
"""Templates of the HTML pages: every value a template prints is escaped, without the template asking for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlperf_tiny.terminal import sanitize_for_terminal

if TYPE_CHECKING:
    from jinja2 import Environment


def html_environment(folder: Path) -> Environment:
    """Return the jinja2 environment for the templates in ``folder``; jinja2 is imported here, not with the module.

    Autoescape is on, an undefined name is an error. Text is also sanitized like text for a terminal: control
    characters become visible, over-long text is cut. Only ``markupsafe.Markup`` is printed as it is.

    Examples:
        >>> html_environment(Path()).from_string("{{ text }}").render(text="<b>\\x1b")
        '&lt;b&gt;\\\\x1b'
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_sanitized,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _sanitized(value: Any) -> Any:
    return sanitize_for_terminal(value) if type(value) is str else value
