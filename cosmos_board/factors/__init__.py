"""What makes a reference hard, measured from image and reference alone.

`compute.compute_factors` measures, `table.FACTORS` says what is measured. Nothing is imported
here, so that a command that only needs the table starts at once.
"""
