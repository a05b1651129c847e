"""Doctor: what the machine that runs the jobs is like; no other rule needs it.

Needs nothing. Makes results/<scale>/doctor.txt. On a cluster it asks for what training asks for, so that it tells of
the same nodes; `make doctor` looks from the machine where snakemake is started.
"""

from dual_process.resources import trains_on_gpu


rule doctor:
    output:
        text="<results>/doctor.txt",
    log:
        "<logs>/doctor.log",
    benchmark:
        "<benchmarks>/doctor.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=int(trains_on_gpu(settings.training)),
    params:
        settings=settings.model_dump_json(exclude={"protocols": {"reference", "corrected"}}),
    script:
        "../scripts/doctor.py"
