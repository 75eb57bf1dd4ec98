"""Which processes run blocks: this one, others of this machine, Dask's workers, or Slurm's jobs."""
