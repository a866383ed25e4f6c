"""Every error that a user may see is one line with its own exit code."""

from __future__ import annotations

import pytest

from cosmos_board.core import errors
from cosmos_board.core.errors import CosmosBoardError, ExitCode, InputError, UnknownNameError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError, 1),
        (errors.UnknownNameError, 1),
        (errors.DeviceError, 70),
        (errors.InUseError, 73),
        (errors.StorageError, 74),
        (errors.StoppedError, 75),
    ],
)
def test_each_error_has_the_exit_code_of_the_contract(
    error: type[CosmosBoardError], code: int
) -> None:
    assert error.exit_code == ExitCode(code) == code


def test_an_input_error_says_where_what_and_how_it_should_be() -> None:
    error = InputError("a.png", "size", "differs", got="3×4", want="4×4")

    assert str(error) == "a.png: size: differs (got 3×4, want 4×4)"


def test_an_input_error_is_one_line_whatever_it_quotes() -> None:
    assert "\n" not in str(InputError("a\nb", "c", "d\n e", got="f\ng"))


def test_an_unknown_name_offers_the_nearest() -> None:
    error = UnknownNameError("--model", "name", "grabcat", ["grabcut", "random-walker"])

    assert str(error) == "--model: name: unknown name (got 'grabcat', want grabcut)"
