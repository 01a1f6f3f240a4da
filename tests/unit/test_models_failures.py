"""Errors of servers, told by their whole body: what each decides, and what is said about it."""

import itertools
import time
from types import SimpleNamespace

import pytest

from solver.errors import ModelError, Scope
from solver.models._clients import guard
from solver.models._failures import NoRoom, TooLong, refused, reply_or_cut
from solver.models._kinds import kind_of, stated_delay
from solver.models._redact import one_line
from solver.models._said import Said, has_error, said_in

ADVICE = {401: "see the key", 404: "see the name", "temperature": "omit it", "max_tokens": "rename"}


def failure(status, body, headers=None, **how):
    return refused("server", status, body, headers or {}, advice=ADVICE, **how)


def openai(message, code=None, **more):
    return {"error": {"message": message, "code": code, **more}}


LIMIT = "This model's maximum context length is {} tokens."
TOO_LONG = {
    "openai": openai(LIMIT.format(8192) + " However, your messages resulted in 9000 tokens."),
    "openai, newer": openai("Your input exceeds the context window of this model."),
    "deepseek": openai(
        LIMIT.format(65536) + " However, you requested 70000 tokens (66000 in the messages, 4000 in"
        " the completion). Please reduce the length of the messages or completion."
    ),
    "vllm": openai(
        LIMIT.format(2048) + " However, you requested 0 output tokens and your prompt contains at"
        " least 2049 input tokens, for a total of at least 2049 tokens."
    ),
    "vllm, older": openai(
        "The decoder prompt (length 5000) is longer than the maximum model length of 4096."
    ),
    "vllm, no room left": openai("max_tokens must be at least 1, got -904."),
    "sglang": openai(
        "The input (85050 tokens) is longer than the model's context length (32768 tokens)."
    ),
    "llama.cpp": openai(
        "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it"
    ),
    "lm studio": {
        "error": "The number of tokens to keep from the initial prompt is greater than the context"
        " length (n_keep: 13055>= n_ctx: 4096)."
    },
    "lm studio, newer": {
        "error": "Trying to keep the first 15857 tokens when context the overflows. However, the"
        " model is loaded with context length of only 4096 tokens, which is not enough."
    },
    "groq": openai(
        "Please reduce the length of the messages or completion.", "context_length_exceeded"
    ),
    "mistral": {
        "message": "Prompt contains 33194 tokens and 0 draft tokens, too large for model with 32768"
        " maximum context length",
        "code": "3051",
    },
    "gemini": [
        openai("The input token count (1200000) exceeds the maximum number of tokens (1048576).")
    ],
    "tgi": {"error": "`inputs` must have less than 1000 tokens. Given: 1500"},
    "claude by a proxy": openai("prompt is too long: 210000 tokens > 200000 maximum"),
    "ollama": {"error": "the input length exceeds the context length"},
}
NO_ROOM = {
    "openai": openai(
        LIMIT.format(4096) + " However, you requested 5000 tokens (3000 in the messages, 2000 in"
        " the completion)"
    ),
    "vllm": openai(
        LIMIT.format(2048) + " However, you requested 2048 output tokens and your prompt contains"
        " at least 150 input tokens, for a total of at least 2049 tokens."
    ),
    "vllm, newer": openai(
        "'max_tokens' or 'max_completion_tokens' is too large: 4096. "
        + LIMIT.format(4096)
        + " and your request has 150 input tokens (4096 > 4096 - 150).",
        param="max_tokens",
    ),
    "openrouter": openai(
        "This endpoint's maximum context length is 32768 tokens. However, you requested about 33068"
        " tokens (300 of text input, 32768 in the output). Please reduce the length of either one"
    ),
    "sglang": openai(
        "Requested token count exceeds the model's maximum context length of 4096 tokens. You"
        " requested a total of 4200 tokens: 104 tokens from the input messages and 4096 tokens for"
        " the completion."
    ),
    "tgi": {
        "error": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 300 `inputs` tokens"
        " and 4096 `max_new_tokens`"
    },
    "claude by a proxy": openai(
        "input length and `max_tokens` exceed context limit: 199000 + 21333 > 200000"
    ),
}


@pytest.mark.parametrize("body", TOO_LONG.values(), ids=TOO_LONG)
@pytest.mark.parametrize("status", [200, 400])
def test_a_prompt_that_does_not_fit_is_recognised_in_each_servers_words(status, body):
    assert isinstance(failure(status, body), TooLong)


@pytest.mark.parametrize("body", NO_ROOM.values(), ids=NO_ROOM)
def test_a_prompt_that_fits_without_the_cap_is_the_configs_mistake(body):
    refusal = failure(400, body)
    assert isinstance(refusal, NoRoom)
    assert "sampling.max_tokens" in str(refusal)


async def test_a_first_prompt_without_room_is_an_error_and_a_longer_conversation_is_cut():
    async def ask():
        raise failure(400, NO_ROOM["vllm"])

    assert (await reply_or_cut(ask, follow_up=True)).prompt_cut
    with pytest.raises(NoRoom):
        await reply_or_cut(ask)


ENDS_THE_RUN = {
    "quota": (429, openai("You exceeded your current quota.", "insufficient_quota")),
    "billing": (429, openai("Your account is not active.", "billing_not_active")),
    "no balance": (402, openai("Insufficient Balance", "unknown_error")),
    "credits": (400, openai("Your credit balance is too low to access the API.")),
    "free requests of the day": (429, openai("Rate limit exceeded: free-models-per-day.", 429)),
    "usage limit": (429, {"error": "you have reached your weekly usage limit, upgrade"}),
    "subscription": (401, {"message": "Inactive subscription or usage limit reached"}),
    "memory": (500, {"error": "model requires more system memory (127 GiB) than is available"}),
    "memory, lm studio": (400, {"error": "Loading stopped due to insufficient system resources."}),
    "key": (401, openai("Incorrect API key provided", "invalid_api_key")),
    "key in a 400": (400, [openai("API key not valid.", 400, status="INVALID_ARGUMENT")]),
    "model": (404, openai("The model `wrong` does not exist.", param="model")),
    "model in a 400": (400, openai("Model not found", "model_not_found")),
    "parameter": (400, openai("'temperature' does not support 0.0 with this model.")),
    "parameter, gemini": (400, [openai('Unknown name "seed": Cannot find field.', 400)]),
    "parameter, mistral": (
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "top_k"], "msg": "Extra inputs"}]},
    ),
    "thinking": (400, {"error": '"test" does not support thinking'}),
    "an error in a 200": (200, openai("Insufficient credits", 402)),
}


@pytest.mark.parametrize(("status", "body"), ENDS_THE_RUN.values(), ids=ENDS_THE_RUN)
def test_what_only_the_user_can_change_ends_the_run_in_the_servers_words(status, body):
    refusal = failure(status, body)
    assert refusal.scope is Scope.RUN
    assert one_line(said_in(body).words)[:30] in str(refusal)


PASSES = {
    "rate": (429, openai("Rate limit reached", "rate_limit_exceeded")),
    "rate with an offer": (
        429,
        openai("Limit 6000. Please try again in 7.5s. Upgrade at https://x.com/settings/billing"),
    ),
    "quota of the minute": (
        429,
        [openai("You exceeded your current quota, check your billing. Please retry in 36.1s.")],
    ),
    "capacity": (429, {"message": "Service tier capacity exceeded for this model."}),
    "queue": (503, {"error": "server busy.  maximum pending requests exceeded"}),
    "crash": (500, {"error": "llama runner process has terminated: exit status 2"}),
    "gpu memory of the moment": (500, openai("CUDA out of memory")),
    "an error in a 200": (200, openai("Provider returned error", 502)),
    "words alone in a 200": (200, {"error": "something went wrong"}),
    "page": (502, "<html><head><title>502 Bad Gateway</title></head></html>"),
}


@pytest.mark.parametrize(("status", "body"), PASSES.values(), ids=PASSES)
def test_what_may_pass_is_asked_again(status, body):
    assert failure(status, body).scope is Scope.REQUEST


FILTERED = {
    "azure": (400, openai("triggering Azure OpenAI's content management policy", "content_filter")),
    "deepseek": (400, openai("Content Exists Risk")),
    "openrouter": (403, openai("Your input was flagged", 403)),
    "openai": (400, openai("Your prompt was flagged as violating our usage policy")),
    "qwen": (400, openai("Input data may contain inappropriate content", "DataInspectionFailed")),
}


@pytest.mark.parametrize(("status", "body"), FILTERED.values(), ids=FILTERED)
def test_a_filtered_prompt_is_named_and_concerns_no_other(status, body):
    refusal = failure(status, body)
    assert refusal.scope is Scope.PROMPT
    assert "filter" in str(refusal)


def test_a_request_that_is_more_than_the_account_may_send_is_not_sent_again():
    for status in (413, 429):
        said = openai("Request too large for model `x` on tokens per minute (TPM): Limit 6000")
        assert failure(status, said).scope is Scope.UNKNOWN


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (openai("Unsupported value: 'temperature' does not support 0.0"), "omit it"),
        (openai("Unsupported parameter", "unsupported_parameter", param="max_tokens"), "rename"),
        (
            openai("max_tokens is too large: 9000. At most 4096 here.", param="max_tokens"),
            "lower sampling.max_tokens",
        ),
    ],
)
def test_the_advice_is_for_the_parameter_that_was_refused(body, advice):
    assert str(failure(400, body)).endswith(advice)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "a text"}, "a text"),
        ([{"error": {"message": "a list"}}], "a list"),
        ({"message": {"detail": [{"loc": ["body", "x"], "msg": "no"}]}}, "body.x: no"),
        ('{"error": {"message": "a text that is JSON"}}', "a text that is JSON"),
        ({"error": {"message": "Provider error", "metadata": {"raw": "boom"}}}, "error: boom"),
        (b"plain words", "plain words"),
        ("<html><title>502</title><script>x()</script>Bad <b>Gateway</b></html>", "502Bad Gateway"),
        ({"odd": 1}, '{"odd": 1}'),
        (None, ""),
    ],
)
def test_words_are_found_in_bodies_of_every_form(body, words):
    assert words.replace(" ", "") in said_in(body).words.replace(" ", "")


@pytest.mark.parametrize(
    ("body", "is_one"),
    [
        ({"error": "x"}, True),
        ([{"error": {"message": "x"}}], True),
        ({"object": "error", "message": "x"}, True),
        ({"error": None, "choices": []}, False),
        ({"choices": [1]}, False),
        ("text", False),
    ],
)
def test_an_error_in_a_good_answer_is_noticed(body, is_one):
    assert has_error(body) is is_one


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 7m12.5s.", 432.5),
        ("Please retry in 36.1s.", 36.1),
        ("Please retry after 10 seconds.", 10),
        ("try again in 250ms", 0.25),
        ("try again in 1h2m3s", 3723),
        ("try again later", None),
        ("", None),
    ],
)
def test_a_wait_is_read_from_the_words(words, seconds):
    assert stated_delay(words) == seconds


@pytest.mark.parametrize(
    "echo",
    [
        "key kEy-0123456789abcdef",
        "Incorrect API key provided: kEy-0123*******cdef",
        "kEy-0123456789 was refused",
        "Authorization: Basic bWU6c2VjcmV0LXB3",
        "https://me:secret-pw@host/v1?api-key=0123456789",
        "https://me:a@secret-pw@host/v1#api-key=0123456789",
        "x " * 1_990 + "https://me:secret-pw-0123456789" + "9" * 30 + "@host",
        "<html>" + "<b></b>" * 2_852 + "<i>https://me:secret-pw-0123456789@host/v1",
        "<html>" + "<b></b>" * 2_852 + "<i>say kEy-0123456789abcdef",
    ],
)
def test_no_part_of_a_key_reaches_a_message(echo):
    shown = str(failure(401, {"error": echo}, secret="kEy-0123456789abcdef"))
    assert not any(part in shown for part in ("0123", "cdef", "secret-pw", "bWU6"))


MANY = 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        "<html>" + "<" * MANY,
        "a" * MANY,
        "1," * MANY,
        "9" * MANY,
        "http://" * MANY,
        "*a" * MANY,
        '{"error": "' + "1m" * MANY + '"}',
        '{"error": {"code": "' + "e" * MANY + '"}}',
        '{"detail": [' + '{"msg": "too long"}, ' * 10_000 + '{"msg": "x"}]}',
    ],
)
def test_no_pattern_is_given_more_than_the_beginning_of_an_error(body):
    said = said_in(body)
    assert len(said.words) <= 20_100
    assert len(said.codes) <= 20_000
    assert len(str(failure(400, body))) < 500


def test_a_pattern_is_not_tried_at_each_digit_or_bracket_or_letter():
    for piece in ("<", "1,", "1", "a", "http://", "*", "?key", "1m", "//"):
        for read in (said_in, lambda text: kind_of(Said(words=text), 400, waits=False), one_line):
            assert growth(read, piece) < 40, (read, piece)


def growth(read, piece):
    """How many times as long eight times as much takes, at best of three."""

    def seconds(count):
        texts = [f"<html>context length exceeded {piece * (count + n)}" for n in range(3)]
        started = [time.process_time()]
        for text in texts:
            read(text)
            started.append(time.process_time())
        return min(b - a for a, b in itertools.pairwise(started))

    return seconds(16_000) / max(seconds(2_000), 0.0005)


@pytest.mark.parametrize(
    ("codings", "said"),
    [("identity, gzip", None), ("gzip", None), ("", None), ("gzip, gzip", "packed several times")],
)
async def test_an_answer_may_be_packed_once(codings, said):
    async def parts():
        yield b"42"

    answer = SimpleNamespace(
        headers={"content-encoding": codings}, charset_encoding=None, aiter_bytes=parts
    )
    if said:
        with pytest.raises(ModelError, match=said):
            await guard("here")(answer)
        return
    await guard("here")(answer)
    assert [part async for part in answer.aiter_bytes()] == [b"42"]
