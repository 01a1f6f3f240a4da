"""How a request asks for JSON, in the words that OpenAI's chat API began and others took over."""

from typing import Any


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    """A `response_format` that holds the reply to a JSON schema."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": schema},
    }
