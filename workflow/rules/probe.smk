"""Probing: everything that is measured on the checkpoints of a cohort.

Needs a cohort's checkpoints and the data sets of its runs. Makes one labelled store, results/<scale>/probes/*.zarr.
"update" keeps an old store until the new one is whole, and brings it back if the job fails.
"""


rule probe_cohort:
    input:
        datasets=cohort_datasets,
        checkpoints=rules.train_cohort.output.checkpoints,
    output:
        store=update(directory("<results>/probes/{cohort}.zarr")),
    log:
        "<logs>/probe_cohort/{cohort}.log",
    benchmark:
        "<benchmarks>/probe_cohort/{cohort}.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        plan=probe_plan,
        code=source_digest("probing.cohort"),
    script:
        "../scripts/probe_cohort.py"
