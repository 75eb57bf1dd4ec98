"""What a grid costs: work counted from its specification, this machine's speed, and the time that both make."""
