"""What was used adds up, and prices are the user's to set."""

from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

from solver.analysis.accuracy import accuracy_of_run
from solver.analysis.cost import Price, costs, load_prices, usage
from solver.cli import app
from solver.errors import ConfigError
from solver.report.sections.cost import cost
from solver.report.tables import Kind, text_of
from tests.stored import problem, said, stored, trial

PRICE = Price(input=2.0, output=6.0, dated=date(2024, 11, 18))


@pytest.fixture
def store(tmp_path):
    trials = [
        trial("p1", said("1"), right=True),
        trial("p1", said(), said("2"), right=False, repeat=1),
        trial("p1", said("1", tokens=(0, 5), code=False), right=True, mode="cot"),
        trial("p1", said(), error="ModelError: away", mode="cot", repeat=1),
    ]
    store = stored(tmp_path, [problem(1)], trials)
    yield store
    store.close()


def test_usage_agrees_with_the_main_table(store):
    found = {each.mode: each.usage for each in costs(store.trials(), {})}
    for arm in accuracy_of_run(store).arms:
        for count in (
            "requests", "input_tokens", "output_tokens", "model_seconds", "sandbox_seconds"
        ):  # fmt: skip
            assert getattr(found[arm.mode], count) == getattr(arm, count)
        assert found[arm.mode].correct == arm.overall.correct


def test_what_failed_trials_used_is_shared_by_the_correct_answers(store):
    (code, cot) = (each.usage for each in costs(store.trials(), {}))
    assert code.per_correct().tokens == 90
    assert code.per_trial().tokens == 45
    assert cot.per_correct().output_tokens == 25


def test_nothing_is_shared_by_no_correct_answer(store):
    none = usage(store.trials()[:0])
    assert none.per_trial() is None
    assert none.per_correct() is None


def test_money_is_for_a_million_tokens_each_way(store):
    (code, cot) = costs(store.trials(), {"m/x": PRICE})
    assert code.money == pytest.approx((30 * 2 + 60 * 6) / 1e6)
    assert cot.price == PRICE


def test_an_unknown_price_is_not_nothing(store):
    assert all(each.money is None for each in costs(store.trials(), {}))


def test_every_shipped_price_is_dated_and_of_a_hosted_model():
    prices = load_prices()
    assert prices
    assert all(price.dated > date(2023, 1, 1) for price in prices.values())
    assert {name.partition("/")[0] for name in prices} == {"openai", "mistral"}


def test_the_user_s_prices_go_over_the_shipped_ones(tmp_path):
    mine = tmp_path / "prices.yaml"
    mine.write_text("mistral/mistral-large-2411: {input: 9, output: 9, dated: 2026-01-01}\n")
    prices = load_prices(mine)
    assert prices["mistral/mistral-large-2411"].input == 9
    assert prices.keys() == load_prices().keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a/b: {input: -1, output: 1, dated: 2026-01-01}", r"a/b\.input"),
        ("a/b: {input: 1, output: 1}", r"a/b\.dated: Field required"),
        ("a/b: {input: 1, output: 1, dated: 2026-01-01, per: 1000}", r"a/b\.per: Extra inputs"),
        ("- 1", "should be a valid dictionary"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_not_a_price_is_refused_in_one_line(tmp_path, text, message):
    mine = tmp_path / "prices.yaml"
    mine.write_text(text)
    with pytest.raises(ConfigError, match=message) as refused:
        load_prices(mine)
    assert "\n" not in str(refused.value)


def test_a_missing_price_table_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_prices(tmp_path / "none.yaml")


def test_the_command_prints_money_with_the_date_of_its_price(tmp_path, store):
    mine = tmp_path / "prices.yaml"
    mine.write_text("m/x: {input: 1000, output: 1000, currency: EUR, dated: 2026-01-31}\n")
    result = CliRunner().invoke(app, ["cost", str(tmp_path), "--prices", str(mine)])
    assert result.exit_code == 0
    assert "price of 2026-01-31" in result.output
    assert "0.09" in result.output


def shown(store, prices):
    """The table of costs and the words above it."""
    section = cost([(each.mode, each) for each in costs(store.trials(), prices)], {})
    return section.tables[0], " ".join(section.words)


def test_money_is_a_column_where_a_price_is_known_and_else_one_line_says_how_to_give_one(store):
    priced, words = shown(store, {"m/x": PRICE})
    assert priced.columns[-1].title == "money, USD"
    assert priced.rows[0][-1] == pytest.approx(0.00042)
    assert priced.texts()[0][-1] == "0.0004200"
    assert "No price" not in words
    bare, words = shown(store, {})
    assert not any("money" in column.title for column in bare.columns)
    assert words.count("No price is known for m/x.") == 1
    assert words.count("--prices FILE") == 1


def test_each_currency_has_a_column_of_amounts(tmp_path):
    trials = [trial("p1", said("1"), right=True), trial("p1", said("1"), right=True, mode="cot")]
    found = costs(stored(tmp_path, [problem(1)], trials).trials(), {"m/x": PRICE})
    euros = replace(found[1], price=PRICE.model_copy(update={"currency": "EUR"}))
    table = cost([("a", found[0]), ("b", euros)], {}).tables[0]
    assert [column.title for column in table.columns[-2:]] == ["money, USD", "money, EUR"]
    for row, texts in zip(table.rows, table.texts(), strict=True):
        own, other = (-2, -1) if row[0] == "a" else (-1, -2)
        assert row[own] > 0
        assert (row[other], texts[other]) == (None, "–")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0.00"),
        (8.85e-6, "0.000008850"),
        (0.5, "0.5000"),
        (3, "3.000"),
        (12345.6, "12,345.60"),
    ],
)
def test_an_amount_has_no_exponent(amount, text):
    assert text_of(amount, Kind.MONEY) == text


def test_an_arm_without_a_correct_answer_has_no_row_for_one(tmp_path):
    trials = [trial("p1", said("2"), right=False), trial("p1", said("1"), right=True, mode="cot")]
    table, _ = shown(stored(tmp_path, [problem(1)], trials), {})
    spent = [row[:2] for row in table.rows]
    assert ("code", "a correct answer") not in spent
    assert ("cot", "a correct answer") in spent
    assert all(value is not None for row in table.rows for value in row)
