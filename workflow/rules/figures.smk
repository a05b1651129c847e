"""Figures: each its own target, drawn from probe stores alone.

Needs the probe stores of the figure's runs. Makes results/<scale>/figures/figN.pdf, .png, and .csv with the numbers.
"""


rule fig3:
    input:
        probes=collect(rules.probe_cohort.output.store, cohort=figure_cohorts("fig3")),
    output:
        pdf="<results>/figures/fig3.pdf",
        png=report(
            "<results>/figures/fig3.png",
            caption="../report/fig3.rst",
            category="Figures",
            labels={"figure": "3", "shows": "vanilla against active forgetting"},
        ),
        csv="<results>/figures/fig3.csv",
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


rule fig4:
    input:
        probes=collect(rules.probe_cohort.output.store, cohort=figure_cohorts("fig4")),
    output:
        pdf="<results>/figures/fig4.pdf",
        png=report(
            "<results>/figures/fig4.png",
            caption="../report/fig4.rst",
            category="Figures",
            labels={"figure": "4", "shows": "temporary forgetting for several N"},
        ),
        csv="<results>/figures/fig4.csv",
    log:
        "<logs>/fig4.log",
    benchmark:
        "<benchmarks>/fig4.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs=figure_runs("fig4"),
        code=source_digest("figures.fig4", "figures.files"),
    script:
        "../scripts/draw_figure.py"


rule fig5:
    input:
        probes=collect(rules.probe_cohort.output.store, cohort=figure_cohorts("fig5")),
    output:
        pdf="<results>/figures/fig5.pdf",
        png=report(
            "<results>/figures/fig5.png",
            caption="../report/fig5.rst",
            category="Figures",
            labels={"figure": "5", "shows": "embeddings by schedule"},
        ),
        csv="<results>/figures/fig5.csv",
    log:
        "<logs>/fig5.log",
    benchmark:
        "<benchmarks>/fig5.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs=figure_runs("fig5"),
        code=source_digest("figures.fig5", "figures.files"),
    script:
        "../scripts/draw_figure.py"
