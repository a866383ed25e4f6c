from __future__ import annotations

import pytest
import torch
from torch import nn

from cosmos_board.core.errors import InputError
from cosmos_board.models.tiny.encoder import Attention, TinyEncoder
from cosmos_board.training.finetune.lora import add_lora, merge_lora

TOKENS = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(0))


def attention() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(Attention(32, 4)).requires_grad_(False)


def test_an_untrained_correction_changes_nothing() -> None:
    encoder = attention()
    before = encoder(TOKENS)

    add_lora(encoder, 4)

    torch.testing.assert_close(encoder(TOKENS), before)


def test_only_the_correction_learns() -> None:
    encoder = attention()
    learning = add_lora(encoder, 4)

    assert {id(p) for p in encoder.parameters() if p.requires_grad} == {id(p) for p in learning}
    assert sum(p.numel() for p in learning) == 4 * (32 + 96) + 4 * (32 + 32)


def test_a_merged_encoder_has_the_names_it_came_with_and_the_answers_it_learnt() -> None:
    encoder = attention()
    names = list(encoder.state_dict())
    for factor in add_lora(encoder, 2, seed=3):
        nn.init.normal_(factor, generator=torch.Generator().manual_seed(1))
    learnt = encoder(TOKENS)

    merge_lora(encoder)

    assert list(encoder.state_dict()) == names
    torch.testing.assert_close(encoder(TOKENS), learnt, rtol=1e-3, atol=1e-3)


def test_the_tiny_encoder_has_attention_to_adapt() -> None:
    assert len(add_lora(TinyEncoder(), 8)) == 8


def test_an_encoder_without_attention_is_refused() -> None:
    with pytest.raises(InputError, match="--method: lora: needs attention"):
        add_lora(nn.Conv2d(1, 1, 1), 8)


def test_rank_zero_is_refused() -> None:
    with pytest.raises(InputError, match=r"--rank: is not positive \(got 0"):
        add_lora(attention(), 0)
