"""L5: the statistics of a paired decision. Pure and seeded; numpy and the standard library only."""

SEED = 20261124
"""Of every permutation test and every simulation: the same input gives the same report."""
