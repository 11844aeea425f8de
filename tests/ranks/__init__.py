"""Programs that run on several ranks, as processes under MPI or as threads."""
