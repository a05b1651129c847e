"""Side-by-side measurements of the published pipeline and ours; run by hand and by ``make bench``."""
