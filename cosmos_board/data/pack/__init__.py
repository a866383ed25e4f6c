"""Packs: curated datasets in our format."""

from cosmos_board.data.pack.pack import Block, IndexEntry, Pack, PackItem, open_pack

__all__ = ["Block", "IndexEntry", "Pack", "PackItem", "open_pack"]
