"""Many runs and many answers on more than one machine, by Dask."""
