"""A prediction and a reference become numbers: counts first, then one function for each metric.

`reference.prepare_reference` once per reference, `overlap.count_candidates` to choose among
candidates, `score.score` for every score of the chosen one; `table.METRICS` describes them.
Nothing is imported here, so that a command that only needs the table starts at once.
"""
