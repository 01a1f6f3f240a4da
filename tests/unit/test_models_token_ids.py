"""A text goes on from the tokens it was written in."""

from solver.models._token_ids import REMEMBERED, Part, Spelling

OPENED = "<user>q<assistant>"


def parts(*pairs):
    return tuple(Part(text, number) for text, number in pairs)


WRITTEN = parts(("x", 1), (" =", 2), ("\n", 3), ("\n", 3), ("y", 4))


def written(*replies, opened=OPENED):
    spelling = Spelling()
    for begun, tokens in replies:
        spelling.keep(opened, spelling.of(opened, begun), tokens)
    return spelling


def test_what_was_written_is_spelt_as_it_was_written():
    spelling = written(("", WRITTEN[:3]), ("x =\n", WRITTEN[3:]))
    assert spelling.of(OPENED, "x =\n\ny") == WRITTEN


def test_a_reply_that_is_cut_keeps_the_spelling_of_what_is_left():
    assert written(("", WRITTEN)).of(OPENED, "x =\n\n") == WRITTEN[:4]


def test_a_cut_inside_a_token_leaves_text():
    assert written(("", WRITTEN)).of(OPENED, "x \u0020") == (Part("x", 1), Part("  "))


def test_what_was_put_in_stays_text_and_what_followed_is_spelt():
    spelling = written(("", WRITTEN), ("x = 7", parts(("\n", 3), ("z", 5))))
    assert spelling.of(OPENED, "x = 7\nz") == (
        *WRITTEN[:2],
        Part(" 7"),
        *parts(("\n", 3), ("z", 5)),
    )
    assert spelling.of(OPENED, "x =\n\ny") == WRITTEN, "the reply before is still known"


def test_another_chat_has_another_spelling():
    assert written(("", WRITTEN)).of("<user>r<assistant>", "x =") == (Part("x ="),)


def test_nothing_is_spelt_as_nothing():
    assert written(("", WRITTEN)).of(OPENED, "") == ()


def test_letters_beyond_ascii_are_text_for_they_may_be_several_tokens():
    spelling = written(("", parts(("a", 1), ("🙂", 9), ("b", 2))))
    assert spelling.of(OPENED, "a🙂b") == (Part("a", 1), Part("🙂"), Part("b", 2))


def test_only_the_replies_that_grew_last_are_remembered():
    spelling = written(("", WRITTEN))
    for number in range(REMEMBERED):
        spelling.keep(f"chat {number}", (), WRITTEN)
    assert spelling.of(OPENED, "x") == (Part("x"),)
