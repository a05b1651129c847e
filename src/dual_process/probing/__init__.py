"""Measurements on checkpoints; one analysis a file."""
