"""Figures of the autoregressive study, and figures that the paper does not have.

Needs the probe stores of the figure's runs. Makes results/<scale>/figures/NAME.pdf, .png, and .csv with the numbers.
"""


use rule fig3 as v1 with:
    input:
        probes=figure_probes("v1"),
    output:
        **figure_files("v1", figure="V1", shows="toy autoregressive model, vanilla"),
    log:
        "<logs>/v1.log",
    benchmark:
        "<benchmarks>/v1.tsv"
    params:
        runs=figure_runs("v1"),
        code=source_digest("figures.v1", "figures.files"),


use rule fig3 as v2 with:
    input:
        probes=figure_probes("v2"),
    output:
        **figure_files("v2", figure="V2", shows="toy autoregressive model, forgetting"),
    log:
        "<logs>/v2.log",
    benchmark:
        "<benchmarks>/v2.tsv"
    params:
        runs=figure_runs("v2"),
        code=source_digest("figures.v2", "figures.files"),


use rule fig3 as heads with:
    input:
        probes=figure_probes("heads"),
    output:
        **figure_files("heads", figure="heads", shows="what each attention head reads and does"),
    log:
        "<logs>/heads.log",
    benchmark:
        "<benchmarks>/heads.tsv"
    params:
        runs=figure_runs("heads"),
        code=source_digest("figures.heads", "figures.files"),


use rule fig3 as reset_scale with:
    input:
        probes=figure_probes("reset_scale"),
    output:
        **figure_files("reset_scale", figure="reset scale", shows="what a reset does, choice by choice"),
    log:
        "<logs>/reset_scale.log",
    benchmark:
        "<benchmarks>/reset_scale.tsv"
    params:
        runs=figure_runs("reset_scale"),
        code=source_digest("figures.reset_scale", "figures.files"),


use rule fig3 as exact_and_two_way with:
    input:
        probes=figure_probes("exact_and_two_way"),
    output:
        **figure_files(
            "exact_and_two_way", figure="exact and two-way", shows="how much of the fading is an output artefact"
        ),
    log:
        "<logs>/exact_and_two_way.log",
    benchmark:
        "<benchmarks>/exact_and_two_way.tsv"
    params:
        runs=figure_runs("exact_and_two_way"),
        code=source_digest("figures.exact_and_two_way", "figures.files"),


use rule fig3 as phase_portrait with:
    input:
        probes=figure_probes("phase_portrait"),
    output:
        **figure_files(
            "phase_portrait", figure="phase portrait", shows="unseen tokens against head switch along training"
        ),
    log:
        "<logs>/phase_portrait.log",
    benchmark:
        "<benchmarks>/phase_portrait.tsv"
    params:
        runs=figure_runs("phase_portrait"),
        code=source_digest("figures.phase_portrait", "figures.files"),


use rule fig3 as dual_process_map with:
    input:
        probes=figure_probes("dual_process_map"),
    output:
        **figure_files(
            "dual_process_map", figure="dual-process map", shows="where temporary forgetting gives both strategies"
        ),
    log:
        "<logs>/dual_process_map.log",
    benchmark:
        "<benchmarks>/dual_process_map.tsv"
    params:
        runs=figure_runs("dual_process_map"),
        code=source_digest("figures.dual_process_map", "figures.files"),
