"""A real model in this process whose template opens `<think>`, through every mode."""

import struct

import pytest

from solver.config_file import check_config
from solver.models import connect
from solver.models._weights import get_smollm2
from solver.records import Detail
from tests.fakes import PROBLEMS, finished_run
from tests.needs import require

pytestmark = [pytest.mark.model, pytest.mark.alone]

THOUGHTS_ALONE = (Detail.CUT_THINKING, Detail.ENDED_THINKING, Detail.ONLY_IN_THOUGHTS)


@pytest.fixture(scope="module")
def thinking(tmp_path_factory):
    """The weights of local/smollm2 with a template that opens thoughts before each reply.

    The template is a text with its length before it; blanks in it leave the length as it was.
    """
    require("model")
    data = get_smollm2().read_bytes()
    key = b"tokenizer.chat_template" + struct.pack("<I", 8)
    start = data.index(key) + len(key)
    (length,) = struct.unpack_from("<Q", data, start)
    template = (
        b"{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        b"<|im_start|>assistant\n<think>\n"
    )
    assert len(template) < length
    written = b"{#" + b" " * (length - len(template) - 4) + b"#}" + template
    path = tmp_path_factory.mktemp("weights") / "thinking.gguf"
    path.write_bytes(data[: start + 8] + written + data[start + 8 + length :])
    return path


async def test_what_is_written_inside_thoughts_is_run_and_graded_in_no_mode(thinking, tmp_path):
    config = check_config(
        {
            "model": f"local/{thinking}",
            "mode": "code,cot,tir,csv",
            "judge": "rules",
            "code": {"retries": 3},
            "sampling": {"max_tokens": 16},
            "providers": {"local": {"context": 2048, "parallel": 1}},
        },
        source="test",
    )
    (named,) = config.model
    model = connect(named.name, config.sampling_of(named), config.provider_options(named))
    assert (await model.describe())["thinks"] is True
    async with finished_run(
        tmp_path, [], problems=PROBLEMS[:1], config=config, model=model
    ) as store:
        turns = {row.mode: store.turns(row.key) for row in store.rows()}
    await model.close()
    assert set(turns) == {"code", "cot", "tir", "csv"}
    for turn in (turn for found in turns.values() for turn in found):
        assert (turn.reply.text, turn.program, turn.answer) == ("", None, None)
        assert turn.reply.thoughts
        assert turn.failure is not None
        assert turn.detail in THOUGHTS_ALONE
