"""Training: the runs of a cohort as one stacked program.

Needs the data sets of the cohort's runs. Makes a folder of checkpoints with an index, removed after probing unless
training.keep_checkpoints is true. While it runs, checkpoints gather in results/<scale>/working/, where a killed job
finds its state again.
"""

from dual_process.resources import growing


rule train_cohort:
    input:
        datasets=cohort_datasets,
    output:
        checkpoints=checkpoint_folder("<results>/checkpoints/{cohort}"),
    log:
        "<logs>/train_cohort/{cohort}.log",
    benchmark:
        "<benchmarks>/train_cohort/{cohort}.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=growing(4000, most=64000),
        runtime=growing(720, most=1440),
        gpu=gpus_of_cohort,
    params:
        plan=cohort_plan,
        working=working_name,
        resume_every=settings.training.resume_every,
        code=source_digest("training.fit"),
    script:
        "../scripts/train_cohort.py"
