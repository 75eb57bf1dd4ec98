"""How fast the model room is, against what the same machine can do in the same minute; not what it computes."""
