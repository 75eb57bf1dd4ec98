"""What a worker does with a block, from the claim on it to the stored runs."""
