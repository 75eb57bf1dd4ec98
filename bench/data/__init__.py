"""Sources of texts, and the tokenised cache."""
