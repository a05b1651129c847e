"""Probing: everything that is measured on the checkpoints of a cohort.

Needs a cohort's checkpoints and the data sets of its runs. Makes one labelled store, results/<scale>/probes/*.zarr.
"update" keeps an old store until the new one is whole, and brings it back if the job fails.
"""

from dual_process.resources import growing


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
    # Before other training, so that checkpoints are removed as early as can be.
    priority: 1
    threads: settings.training.threads
    resources:
        mem_mb=growing(4000, most=64000),
        runtime=growing(120, most=1440),
    params:
        plan=probe_plan,
        code=source_digest("probing.cohort"),
    script:
        "../scripts/probe_cohort.py"
