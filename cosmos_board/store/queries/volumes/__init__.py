"""What a board database says of volumes."""
