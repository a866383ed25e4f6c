"""Pages of the volume track: one for each target, and their list."""
