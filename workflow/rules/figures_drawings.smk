"""Drawings that show no data.

Need nothing. Make results/<scale>/figures/f1.pdf and a1.pdf, and .png.
"""


rule f1:
    input:
        probes=[],
    output:
        **drawing_files("f1", figure="1", shows="schematic of the strategies, not data"),
    log:
        "<logs>/f1.log",
    benchmark:
        "<benchmarks>/f1.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs=[],
        code=source_digest("figures.f1", "figures.files"),
    script:
        "../scripts/draw_figure.py"


use rule f1 as a1 with:
    input:
        probes=[],
    output:
        **drawing_files("a1", figure="A1", shows="the four templates of the task"),
    log:
        "<logs>/a1.log",
    benchmark:
        "<benchmarks>/a1.tsv"
    params:
        runs=[],
        code=source_digest("figures.a1", "figures.files"),
