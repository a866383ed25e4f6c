"""Two masks become numbers: whole counts first, then scores, from one pass over both boundaries.

`reference.prepare_reference` once per reference, `overlap.count_candidates` to choose,
`surface.score` for every score of the chosen one; `table.METRICS` says what they mean. Nothing
is imported here, so that a command that only needs the table starts at once.
"""
