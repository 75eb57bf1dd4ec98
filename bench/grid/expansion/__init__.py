"""From a specification to the blocks and runs of a grid."""
