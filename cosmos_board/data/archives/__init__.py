"""Archives: their members listed, and single ones taken out, without unpacking the whole."""
