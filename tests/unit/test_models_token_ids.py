"""A partial reply is continued from the tokens it was written in."""

from solver.models._token_ids import REMEMBERED, Part, TokenIds

PROMPT = "<user>q<assistant>"


def parts(*pairs):
    return tuple(Part(text, number) for text, number in pairs)


WRITTEN = parts(("x", 1), (" =", 2), ("\n", 3), ("\n", 3), ("y", 4))


def written(*replies, prompt=PROMPT):
    ids = TokenIds()
    for partial, tokens in replies:
        ids.keep(prompt, ids.of(prompt, partial), tokens)
    return ids


def test_what_was_written_keeps_its_tokens():
    ids = written(("", WRITTEN[:3]), ("x =\n", WRITTEN[3:]))
    assert ids.of(PROMPT, "x =\n\ny") == WRITTEN


def test_a_reply_that_is_cut_keeps_the_tokens_of_what_is_left():
    assert written(("", WRITTEN)).of(PROMPT, "x =\n\n") == WRITTEN[:4]


def test_a_cut_inside_a_token_leaves_text():
    assert written(("", WRITTEN)).of(PROMPT, "x \u0020") == (Part("x", 1), Part("  "))


def test_what_was_put_in_stays_text_and_what_followed_keeps_its_tokens():
    ids = written(("", WRITTEN), ("x = 7", parts(("\n", 3), ("z", 5))))
    assert ids.of(PROMPT, "x = 7\nz") == (
        *WRITTEN[:2],
        Part(" 7"),
        *parts(("\n", 3), ("z", 5)),
    )
    assert ids.of(PROMPT, "x =\n\ny") == WRITTEN, "the reply before is still known"


def test_another_chat_has_other_tokens():
    assert written(("", WRITTEN)).of("<user>r<assistant>", "x =") == (Part("x ="),)


def test_an_empty_reply_has_no_tokens():
    assert written(("", WRITTEN)).of(PROMPT, "") == ()


def test_characters_beyond_ascii_stay_text_for_they_may_be_several_tokens():
    ids = written(("", parts(("a", 1), ("🙂", 9), ("b", 2))))
    assert ids.of(PROMPT, "a🙂b") == (Part("a", 1), Part("🙂"), Part("b", 2))


def test_only_the_replies_that_were_continued_last_are_remembered():
    ids = written(("", WRITTEN))
    for number in range(REMEMBERED):
        ids.keep(f"chat {number}", (), WRITTEN)
    assert ids.of(PROMPT, "x") == (Part("x"),)
