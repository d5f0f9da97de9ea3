"""L5: the statistics of a paired decision. Pure and seeded; numpy and the standard library only."""
