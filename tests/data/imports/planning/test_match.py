"""Which files a plan lists as left over."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, draw_square, save_picture


def test_masks_that_are_skipped_belong_to_their_image_and_strangers_do_not(tmp_path: Path) -> None:
    save_picture(tmp_path / "a" / "image.png", draw_noise())
    for name in ("a/liver", "a/couch", "b/liver", "b/couch"):
        save_picture(tmp_path / f"{name}.png", draw_square())
    meaning = "name = '{organ}'\nnames = { liver = 'liver' }\nskip = ['couch']"

    plan = plan_import(
        parse_spec(
            write_spec("{case}/image.png", "{case}/{organ:liver|couch}.png", meaning), "spec.toml"
        ),
        tmp_path,
    )

    assert plan.masks_without_image == ("b/couch.png", "b/liver.png")
