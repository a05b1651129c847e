"""Data sets: vocabulary, training sequences and evaluation sets, one store per task, distribution and seed.

Needs nothing. Makes results/<scale>/datasets/*.zarr, shared by all schedules and models.
"update" keeps an old store until the new one is whole, and brings it back if the job fails.
"""


rule make_dataset:
    output:
        store=update(directory("<results>/datasets/{dataset}.zarr")),
    log:
        "<logs>/make_dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/make_dataset/{dataset}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        plan=dataset_plan,
        code=source_digest("tasks.registry", "store"),
    script:
        "../scripts/make_dataset.py"
