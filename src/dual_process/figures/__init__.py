"""Figures: one module each, with ``numbers`` (what is drawn) and ``draw``; nothing here knows torch."""
