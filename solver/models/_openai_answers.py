"""Read what a server of OpenAI's API answers: a chat's reply, and the events of /completions."""

from typing import TYPE_CHECKING, Any

from solver.models._answers import reading
from solver.models._openai_failures import finish_of
from solver.models._stream import Piece, token
from solver.models._thoughts import keep_apart, read_message
from solver.records import Reply, Token

if TYPE_CHECKING:
    import openai


@reading()
def reply_of(choice: Any, usage: Any, seconds: float, endpoint: str) -> Reply:
    """Return the reply of a choice, of a chat or of raw text, with its thoughts kept apart.

    Raises ModelError where the server broke it off, ValueError where it is not the API's.
    """
    message = getattr(choice, "message", None)
    text, thoughts = read_message(message) if message is not None else (choice.text or "", "")
    details = getattr(usage, "completion_tokens_details", None)
    finish = finish_of(choice, text + thoughts, endpoint)
    reply = Reply(
        text=text,
        thoughts=thoughts,
        input_tokens=(usage.prompt_tokens or 0) if usage else 0,
        output_tokens=(usage.completion_tokens or 0) if usage else 0,
        thought_tokens=getattr(details, "reasoning_tokens", None) or None,
        seconds=seconds,
        capped=finish.capped,
        ended=finish.ended,
    )
    return reply if message is None else keep_apart(reply, total=usage and usage.total_tokens)


@reading()
def piece_of(answer: "openai.types.Completion") -> Piece:
    """Read one event, or an answer that was not streamed. Raises ValueError for another form."""
    usage = answer.usage
    choice = answer.choices[0] if answer.choices else None
    return Piece(
        text="" + (choice.text or "") if choice else "",  # a text, or an error
        tokens=_tokens(choice.logprobs) if choice and choice.logprobs else (),
        finish=choice.finish_reason if choice else None,
        read=usage.prompt_tokens if usage else None,
        wrote=usage.completion_tokens if usage else None,
    )


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    """Read the tokens of one event, in the form of /completions or of llama-server (the chat's)."""
    entries = getattr(logprobs, "content", None)
    if entries:
        return tuple(map(token, entries))
    texts, numbers = logprobs.tokens or (), logprobs.token_logprobs or ()
    others = logprobs.top_logprobs or [{}] * len(texts)
    return tuple(
        Token(
            text=text,
            logprob=number or 0.0,
            alternatives=tuple(sorted((other or {}).items(), key=lambda pair: -pair[1])),
        )
        for text, number, other in zip(texts, numbers, others, strict=False)
    )
