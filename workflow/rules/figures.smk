"""Figures of the main text: each its own target, drawn from probe stores alone.

Needs the probe stores of the figure's runs. Makes results/<scale>/figures/figN.pdf, .png, and .csv with the numbers.
"""


rule fig3:
    input:
        probes=figure_probes("fig3"),
    output:
        **figure_files("fig3", figure="3", shows="vanilla against active forgetting"),
    log:
        "<logs>/fig3.log",
    benchmark:
        "<benchmarks>/fig3.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs=figure_runs("fig3"),
        code=source_digest("figures.fig3", "figures.files"),
    script:
        "../scripts/draw_figure.py"


use rule fig3 as fig4 with:
    input:
        probes=figure_probes("fig4"),
    output:
        **figure_files("fig4", figure="4", shows="temporary forgetting for several N"),
    log:
        "<logs>/fig4.log",
    benchmark:
        "<benchmarks>/fig4.tsv"
    params:
        runs=figure_runs("fig4"),
        code=source_digest("figures.fig4", "figures.files"),


use rule fig3 as fig5 with:
    input:
        probes=figure_probes("fig5"),
    output:
        **figure_files("fig5", figure="5", shows="what the embeddings know, by schedule"),
    log:
        "<logs>/fig5.log",
    benchmark:
        "<benchmarks>/fig5.tsv"
    params:
        runs=figure_runs("fig5"),
        code=source_digest("figures.fig5", "figures.files"),


use rule fig3 as fig6 with:
    input:
        probes=figure_probes("fig6"),
    output:
        **figure_files("fig6", figure="6", shows="geometry of the embeddings over training"),
    log:
        "<logs>/fig6.log",
    benchmark:
        "<benchmarks>/fig6.tsv"
    params:
        runs=figure_runs("fig6"),
        code=source_digest("figures.fig6", "figures.files"),
