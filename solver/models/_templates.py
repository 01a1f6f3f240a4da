"""A chat as the text that a model reads, up to where the assistant's reply starts.

The server itself renders it best. Otherwise the template that came with the weights does, as in
`transformers`: from a .jinja file, or a tokenizer_config.json that holds `chat_template`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from solver.errors import ConfigError, ModelError
from solver.records import Message

REMEMBERED = 64
"""Chats to remember: those whose replies are being continued at one time."""


class Prompts:
    """Chats as text, each rendered once while its reply is continued."""

    def __init__(self, render: Callable[[Sequence[Message]], Awaitable[str]]) -> None:
        self._render = render
        self._known: dict[tuple[Message, ...], str] = {}

    async def of(self, chat: Sequence[Message]) -> str:
        """Return the text of a chat. Raises what rendering does."""
        key = tuple(chat)
        if key not in self._known:
            prompt = await self._render(chat)
            if len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = prompt
        return self._known[key]


def read_template(
    path: str, variables: Mapping[str, Any] | None = None
) -> Callable[[Sequence[Message]], str]:
    """Return a function from a chat to its text; it raises ModelError if the template refuses it.

    `variables` are what the template may read besides the chat, such as `enable_thinking`. The text
    lacks the beginning-of-text token, because servers add it for models that want one.
    Raises ConfigError for a file that holds no template.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    file = Path(path).expanduser()
    try:
        source = file.read_text(encoding="utf-8")
        config = json.loads(source) if file.suffix == ".json" else {"chat_template": source}
    except (OSError, ValueError, RecursionError) as failure:
        raise ConfigError(f"chat_template: {file}: cannot be read: {failure}") from failure
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": datetime.now().strftime}
    if not isinstance(config, dict):
        config = {}
    begin, end = (_text(config, name) for name in ("bos_token", "eos_token"))
    try:
        template = environment.from_string(_source(config, file))
    except jinja2.TemplateError as wrong:
        raise ConfigError(f"chat_template: {file}: {wrong}") from wrong

    def render(chat: Sequence[Message]) -> str:
        messages = [{"role": message.role, "content": message.text} for message in chat]
        try:
            prompt = template.render(
                variables or {},
                messages=messages,
                add_generation_prompt=True,
                bos_token=begin,
                eos_token=end,
            )
        except Exception as refusal:  # whatever the template lets happen
            said = str(refusal) or type(refusal).__name__
            raise ModelError(f"chat_template: {file}: {said}", retryable=False) from refusal
        return prompt.removeprefix(begin)

    return render


def _source(config: dict[str, Any], file: Path) -> str:
    """Return the template, or the one called `default` if there are several."""
    found = config.get("chat_template")
    if isinstance(found, list):
        found = next((entry.get("template") for entry in found if _is_default(entry)), None)
    if not isinstance(found, str):
        raise ConfigError(
            f"chat_template: {file}: holds no chat_template; give the model's .jinja file"
        )
    return found


def _is_default(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("name") == "default"


def _text(config: dict[str, Any], name: str) -> str:
    """Return a special token, which the file gives as text or as a tokenizer's record."""
    value = config.get(name) or ""
    return str(value.get("content") or "") if isinstance(value, dict) else str(value)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)  # jinja2's own is for HTML


def _refuse(why: str) -> None:
    import jinja2

    raise jinja2.TemplateError(why)
