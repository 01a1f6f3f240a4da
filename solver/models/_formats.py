"""How a request asks for JSON, in the form of OpenAI's chat API that others accept too."""

from typing import Any


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a `response_format` that holds the reply to a JSON schema."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": schema},
    }
