"""Mode `cot`: its options."""

import pytest

from tests.fakes import told


@pytest.mark.parametrize(("closing", "answer"), [(True, "9"), (False, None)])
async def test_cot_takes_the_value_of_a_closing_sentence_unless_that_is_off(
    tmp_path, closing, answer
):
    reply = "She buys 4 and finds 5.\nHannah has 9 marbles in the end."
    found = await told(tmp_path, [reply], mode="cot", cot={"closing": closing})
    assert found.turns[-1].answer == answer
