"""`python -m cosmos_board` is the command `cosmos-board`."""

from cosmos_board.cli.main import main

if __name__ == "__main__":
    main()
