"""What is particular to GPUs: copies, clocks, memory that runs out, and the cards themselves."""
