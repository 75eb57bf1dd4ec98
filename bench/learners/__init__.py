"""What is trained on the labels: one file each, found by name."""
