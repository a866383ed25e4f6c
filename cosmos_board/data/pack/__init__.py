"""Packs: curated datasets in our format."""

from cosmos_board.data.pack.items import PackItem
from cosmos_board.data.pack.pack import Block, Pack, open_pack

__all__ = ["Block", "Pack", "PackItem", "open_pack"]
