"""Claims: what the paper says, measured; a claim that fails is a finding and never fails the build.

Needs the probe stores of the figures they are about. Makes results/<scale>/claims.json, .md and .csv for all figures, and
main_claims.* for those of the main text.
"""


rule claims:
    input:
        probes=collect(rules.probe_cohort.output.store, cohort=figure_cohorts(*settings.figures)),
        language=sorted({store for figure in settings.figures for store in language_stores(figure)}),
    output:
        **claims_files("claims", shows="every claim with its measured value and verdict"),
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        runs={figure: figure_runs(figure) for figure in settings.figures},
        scale=settings.scale,
        complete=True,
        code=source_digest("claims.files"),
    script:
        "../scripts/evaluate_claims.py"


use rule claims as main_claims with:
    input:
        probes=collect(rules.probe_cohort.output.store, cohort=figure_cohorts(*DATA_OF_MAIN_TEXT)),
        language=[],
    output:
        **claims_files("main_claims", shows="every claim about a figure of the main text"),
    log:
        "<logs>/main_claims.log",
    benchmark:
        "<benchmarks>/main_claims.tsv"
    params:
        runs={figure: figure_runs(figure) for figure in DATA_OF_MAIN_TEXT},
        scale=settings.scale,
        complete=False,
        code=source_digest("claims.files"),
