"""The tasks: which tokens there are, how they are drawn, and what the sequences and evaluation sets are."""
