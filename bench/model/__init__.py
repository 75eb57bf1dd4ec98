"""The encoder: fine-tuning with Lightning, scoring of the pool, and masked-LM surprisal. Lightning lives here only."""
