"""Turn what OpenAI's client raises, and errors that come with a good status, into `ModelError`."""

from typing import TYPE_CHECKING, Any

from solver.errors import ModelError
from solver.models._answers import reading
from solver.models._clients import connection_errors
from solver.models._failures import Advice, not_the_api, refused, unreachable
from solver.models._finish import Finish, read_finish
from solver.models._said import has_error, said_in

if TYPE_CHECKING:
    import openai

BASE_URL = "check the option base_url: it should be the API's root, as in http://localhost:8000/v1"


def failure_of(
    failed: Exception,
    endpoint: str,
    *,
    advice: Advice,
    secret: str,
) -> ModelError:
    """Return the failure for what the client raised. Its own exception holds the request's key."""
    import openai

    if isinstance(failed.__cause__, ModelError):  # an answer that is too long
        return failed.__cause__
    if isinstance(failed, openai.APIStatusError):
        body = _whole_body(failed)
        headers = failed.response.headers
        return refused(endpoint, failed.status_code, body, headers, advice=advice, secret=secret)
    if isinstance(failed, connection_errors(openai.APIConnectionError)):
        return unreachable(endpoint, failed, fix="check the option base_url")
    if isinstance(failed, openai.APIError) and failed.body is not None:
        return refused(
            f"{endpoint}: the stream ended", None, failed.body, {}, advice=advice, secret=secret
        )
    text = getattr(failed, "doc", failed)  # what is not JSON
    return not_the_api(endpoint, BASE_URL, text)


@reading()
def choice_of(answer: Any, endpoint: str, *, advice: Advice, secret: str) -> Any:
    """Return the first choice of an answer. Raises ModelError where it holds none, but an error.

    Raises ValueError for an answer of another form.
    """
    for choice in getattr(answer, "choices", None) or ():
        if getattr(choice, "message", None) or isinstance(getattr(choice, "text", None), str):
            return choice
    body = answer if isinstance(answer, str | bytes) else _plain(answer)
    if has_error(body):
        raise refused(endpoint, None, body, {}, advice=advice, secret=secret)
    raise not_the_api(endpoint, BASE_URL, body)


def finish_of(choice: Any, text: str, endpoint: str) -> Finish:
    """Read why a choice ended, with the fields that stand beside the reason."""
    message = getattr(choice, "message", None)
    error = getattr(choice, "error", None)
    return read_finish(
        endpoint,
        choice.finish_reason,
        text,
        refusal=getattr(message, "refusal", None),
        calls=bool(getattr(message, "tool_calls", None) or getattr(message, "function_call", None)),
        failure=said_in(error).words if error else "",
    )


def _whole_body(failed: "openai.APIStatusError") -> object:
    """Return the body of a refusal; the client's own attribute leaves parts of some out."""
    try:
        return failed.response.text or failed.body
    except RuntimeError:  # it was not read, since a stream was asked for
        return failed.body


def _plain(answer: Any) -> Any:
    """Return an answer that the client took for its own type as plain data."""
    dump = getattr(answer, "model_dump", None)
    return dump(exclude_unset=True, warnings=False) if dump is not None else answer
