"""Figures of the natural-language study: each its own target, drawn from stores alone.

Needs the stores of the figure's runs, which config/naturalistic.yaml or config/multiberts.yaml name. Makes
results/<scale>/figures/<figure>.pdf, .png, and .csv with the numbers.
"""


use rule fig3 as fig2 with:
    input:
        probes=figure_probes("fig2"),
    output:
        **figure_files("fig2", figure="2", shows="structural in-context learning of a language model over training"),
    log:
        "<logs>/fig2.log",
    benchmark:
        "<benchmarks>/fig2.tsv"
    params:
        runs=figure_runs("fig2"),
        code=source_digest("figures.fig2", "figures.files"),


use rule fig3 as a13 with:
    input:
        probes=figure_probes("a13"),
    output:
        **figure_files("a13", figure="A13", shows="nonce words at every layer, and the treebank's words by frequency"),
    log:
        "<logs>/a13.log",
    benchmark:
        "<benchmarks>/a13.tsv"
    params:
        runs=figure_runs("a13"),
        code=source_digest("figures.a13", "figures.files"),


use rule fig3 as push_down with:
    input:
        probes=figure_probes("push_down"),
    output:
        **figure_files("push_down", figure="A2, A3, A5", shows="which layer tells what, over training"),
    log:
        "<logs>/push_down.log",
    benchmark:
        "<benchmarks>/push_down.tsv"
    params:
        runs=figure_runs("push_down"),
        code=source_digest("figures.push_down", "figures.files"),


use rule fig3 as head_curves with:
    input:
        probes=figure_probes("head_curves"),
    output:
        **figure_files("head_curves", figure="A4", shows="attention heads that copy and induce, over training"),
    log:
        "<logs>/head_curves.log",
    benchmark:
        "<benchmarks>/head_curves.tsv"
    params:
        runs=figure_runs("head_curves"),
        code=source_digest("figures.head_curves", "figures.files"),


use rule fig3 as v3 with:
    input:
        probes=figure_probes("v3"),
    output:
        **figure_files("v3", figure="V3", shows="syllogisms about known and new subjects over training"),
    log:
        "<logs>/v3.log",
    benchmark:
        "<benchmarks>/v3.tsv"
    params:
        runs=figure_runs("v3"),
        code=source_digest("figures.v3", "figures.files"),


use rule fig3 as v4 with:
    input:
        probes=figure_probes("v4"),
    output:
        **figure_files("v4", figure="V4", shows="syllogisms while finetuning with forgetting"),
    log:
        "<logs>/v4.log",
    benchmark:
        "<benchmarks>/v4.tsv"
    params:
        runs=figure_runs("v4"),
        code=source_digest("figures.v4", "figures.files"),
