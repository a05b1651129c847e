"""The natural-language study: treebanks, pretraining, checkpoints from elsewhere, and what is measured on them."""
