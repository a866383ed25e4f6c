"""Boards of the volume track, which never stand beside those of images."""
