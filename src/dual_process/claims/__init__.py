"""Claims of the paper: one module a figure, probe store in, verdicts out."""
