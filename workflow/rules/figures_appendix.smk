"""Figures of the paper's appendix, as those of the main text.

Needs the probe stores of the figure's runs. Makes results/<scale>/figures/aN.pdf, .png, and .csv with the numbers.
"""


use rule fig3 as a6 with:
    input:
        probes=figure_probes("a6"),
    output:
        **figure_files("a6", figure="A6", shows="probes by layer and step, Zipf against uniform"),
    log:
        "<logs>/a6.log",
    benchmark:
        "<benchmarks>/a6.tsv"
    params:
        runs=figure_runs("a6"),
        code=source_digest("figures.a6", "figures.files"),


use rule fig3 as a7 with:
    input:
        probes=figure_probes("a7"),
    output:
        **figure_files("a7", figure="A7", shows="curves and probes with and without ambiguity"),
    log:
        "<logs>/a7.log",
    benchmark:
        "<benchmarks>/a7.tsv"
    params:
        runs=figure_runs("a7"),
        code=source_digest("figures.a7", "figures.files"),


use rule fig3 as a8 with:
    input:
        probes=figure_probes("a8"),
    output:
        **figure_files("a8", figure="A8", shows="vocabularies and exponents without ambiguity"),
    log:
        "<logs>/a8.log",
    benchmark:
        "<benchmarks>/a8.tsv"
    params:
        runs=figure_runs("a8"),
        code=source_digest("figures.a8", "figures.files"),


use rule fig3 as a9 with:
    input:
        probes=figure_probes("a9"),
    output:
        **figure_files("a9", figure="A9", shows="ambiguity, vocabulary, exponent and layers"),
    log:
        "<logs>/a9.log",
    benchmark:
        "<benchmarks>/a9.tsv"
    params:
        runs=figure_runs("a9"),
        code=source_digest("figures.a9", "figures.files"),


use rule fig3 as a10 with:
    input:
        probes=figure_probes("a10"),
    output:
        **figure_files("a10", figure="A10", shows="other embeddings for unseen tokens"),
    log:
        "<logs>/a10.log",
    benchmark:
        "<benchmarks>/a10.tsv"
    params:
        runs=figure_runs("a10"),
        code=source_digest("figures.a10", "figures.files"),


use rule fig3 as a11 with:
    input:
        probes=figure_probes("a11"),
    output:
        **figure_files("a11", figure="A11", shows="accuracy by training count"),
    log:
        "<logs>/a11.log",
    benchmark:
        "<benchmarks>/a11.tsv"
    params:
        runs=figure_runs("a11"),
        code=source_digest("figures.a11", "figures.files"),


use rule fig3 as a12 with:
    input:
        probes=figure_probes("a12"),
    output:
        **figure_files("a12", figure="A12", shows="accuracy by frequency bin"),
    log:
        "<logs>/a12.log",
    benchmark:
        "<benchmarks>/a12.tsv"
    params:
        runs=figure_runs("a12"),
        code=source_digest("figures.a12", "figures.files"),


use rule fig3 as a14 with:
    input:
        probes=figure_probes("a14"),
    output:
        **figure_files("a14", figure="A14", shows="drifting and frozen embeddings"),
    log:
        "<logs>/a14.log",
    benchmark:
        "<benchmarks>/a14.tsv"
    params:
        runs=figure_runs("a14"),
        code=source_digest("figures.a14", "figures.files"),


use rule fig3 as a15 with:
    input:
        probes=figure_probes("a15"),
    output:
        **figure_files("a15", figure="A15", shows="temporary forgetting, further settings"),
    log:
        "<logs>/a15.log",
    benchmark:
        "<benchmarks>/a15.tsv"
    params:
        runs=figure_runs("a15"),
        code=source_digest("figures.a15", "figures.files"),


use rule fig3 as a16 with:
    input:
        probes=figure_probes("a16"),
    output:
        **figure_files("a16", figure="A16", shows="clouds of trained and unseen embeddings"),
    log:
        "<logs>/a16.log",
    benchmark:
        "<benchmarks>/a16.tsv"
    params:
        runs=figure_runs("a16"),
        code=source_digest("figures.a16", "figures.files"),
