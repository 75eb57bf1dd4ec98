"""The driver of a grid: finds out what is missing, hands blocks to workers, shows progress."""
