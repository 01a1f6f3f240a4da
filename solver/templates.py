"""Build the template engine of all pages: what is not its own markup comes out harmless."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from solver.text import plain


def build_engine(package: str, folder: str) -> Environment:
    """Build the engine for the templates of a package's folder.

    All text passes through `plain` and is then escaped, except `Markup`. An undefined variable is
    an error.
    """
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _harmless(value: Any) -> Any:
    """Make control characters in text visible; leave markup as it is."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
