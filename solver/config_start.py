"""Start a config of one's own from one that ships with solver."""

import re
from pathlib import Path

from solver.config_file import find_config, load_config, shipped_names
from solver.errors import ConfigError
from solver.outputs import replacing

PURPOSES = {"compare": "code-vs-cot", "stability": "gpass", "paper": "paper-2501.17084"}
"""What a config is for, and the shipped config for it. Others go by their own names."""

_MODEL = re.compile(r"^model:.*\n(?:(?:[ \t]+|- ).*\n)*", re.MULTILINE)
"""The key `model` with the lines that belong to it."""
_PROVIDERS = re.compile(r"^providers:\n(?:[ \t]+.*\n)+", re.MULTILINE)
"""The options of providers; those of the shipped model's are no use to a model of another."""


def start_config(purpose: str, model: str | None, output: Path | None) -> Path:
    """Write the config for a purpose, with another model where one is given; return its path.

    Raises ConfigError for an unknown purpose, a model that cannot be, and a file that is there.
    """
    name = PURPOSES.get(purpose, purpose)
    if name not in shipped_names():
        known = ["first", *PURPOSES, *(name for name in shipped_names() if name != "first")]
        raise ConfigError(f"init {purpose!r}: no such purpose; there are {', '.join(known)}")
    text = find_config(Path(name)).read_text(encoding="utf-8")
    if model is not None:
        load_config(Path(name), {"model": model})  # refuses a name that no config may have
        if not model.startswith(f"{load_config(Path(name)).model[0].name.partition('/')[0]}/"):
            text = _PROVIDERS.sub("", text, count=1)
        text = _MODEL.sub(f"model: {model}\n", text, count=1)
    path = output or Path(f"{Path(purpose).name}.yaml")
    try:
        path.open("x").close()
    except FileExistsError as there:
        raise ConfigError(f"{path}: is there already; --output names another file") from there
    except OSError as failure:
        raise ConfigError(f"{path}: cannot be written: {failure.strerror}") from failure
    try:
        with replacing(path) as part:
            part.write_text(text, encoding="utf-8")
    except ConfigError:
        path.unlink(missing_ok=True)
        raise
    return path
