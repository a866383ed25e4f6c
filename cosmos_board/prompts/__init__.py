from cosmos_board.prompts.frozen import PromptsHash, freeze_prompts

__all__ = ["PromptsHash", "freeze_prompts"]
