"""Probing: everything that is measured on the checkpoints of a cohort.

Needs a cohort's checkpoints and the data sets of its runs. Makes one labelled store, results/<scale>/probes/*.zarr.
While it runs, measurements gather in results/<scale>/working/, where a killed job finds them again.
It computes on a GPU under the same condition as training does, and on any that it sees.
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
        # One run on one core: 180 checkpoints with 14 sets of 10,000 sequences, at 2.5 s a set, and as much again.
        runtime=growing(240, most=1440),
        gpu=gpus_of_cohort,
    params:
        plan=probe_plan,
        working=probing_name,
        code=source_digest("probing.cohort"),
    script:
        "../scripts/probe_cohort.py"
