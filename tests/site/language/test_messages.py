"""What the board returns as keys is said in the words of the site."""

from __future__ import annotations

import string
from typing import get_args

from cosmos_board.board.findings.claims import CLAIMS
from cosmos_board.board.messages import Message, MessageKey
from cosmos_board.board.types import FailedAnswers
from cosmos_board.site.language.messages import CLAIM_TEXTS, MESSAGES, describe_incomplete, say
from cosmos_board.site.language.words import words_for
from tests.site.handmade import make_row


def test_what_a_finding_lacks_is_said_in_chinese() -> None:
    lacking = Message.of("wide-targets", n=10, least=10, have=0, all=5, most=4)
    factor = Message.of("variation", factor=Message("boundary-rho"))

    chinese = words_for("zh")
    assert (
        say(lacking, chinese) == "10 个各有至少 10 个独立单元的目标（5 个中有 0 个满足；最多为 4）"
    )
    assert "边界复杂度的 −ρ" in say(factor, chinese)
    assert say(Message.of("promptable-model", prompts=("box", "point"))) == (
        "a promptable model with box, point"
    )


def test_one_cluster_is_not_said_to_be_many() -> None:
    one, many = (say(Message.of("too-few-to-recommend", n=n, least=10)) for n in (1, 2))

    assert one.startswith("1 cluster: ")
    assert many.startswith("2 clusters: ")


def test_every_key_and_claim_of_the_board_has_its_words() -> None:
    assert set(MESSAGES) == set(get_args(MessageKey))
    assert list(CLAIM_TEXTS) == [claim.id for claim in CLAIMS]


def test_every_message_of_the_board_can_be_said_in_chinese() -> None:
    chinese = words_for("zh")
    for key, template in MESSAGES.items():
        text = template if isinstance(template, str) else template[0]
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        message = Message.of(key, **dict.fromkeys(names, 1))

        assert say(message) == text.format(**dict.fromkeys(names, 1))
        assert say(message, chinese)


def test_failed_answers_are_counted_in_words() -> None:
    row = make_row("alpha", 0.5, None, status="incomplete", failing=FailedAnswers(3, 24))

    assert describe_incomplete(row) == "3 of 24 answers on this slice failed"
    assert describe_incomplete(row, words_for("zh")) == "这一部分的 24 个回答中 3 个失败"
