"""Claims: what the paper says, measured; a claim that fails is a finding and never fails the build.

Needs the probe stores of all figures. Makes results/<scale>/claims.json, .md and .csv.
"""


rule claims:
    input:
        probes=collect(rules.probe_cohort.output.store, cohort=figure_cohorts(*settings.figures)),
    output:
        json="<results>/claims.json",
        markdown="<results>/claims.md",
        csv=report(
            "<results>/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"figure": "all", "shows": "every claim with its measured value and verdict"},
        ),
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs={figure: figure_runs(figure) for figure in settings.figures},
        scale=settings.scale,
        code=source_digest("claims.files"),
    script:
        "../scripts/evaluate_claims.py"
