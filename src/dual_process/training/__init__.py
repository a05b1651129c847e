"""Stacked training with Lightning, forgetting, checkpoints and progress."""
