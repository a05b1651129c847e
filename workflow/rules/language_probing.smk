"""Natural language, from checkpoints to numbers: one labelled store for each analysis and unit of checkpoints.

Needs checkpoints and sentences. Makes results/<scale>/language/<analysis>/*.zarr. Features are computed once for all
probes of a unit and removed when these are done.
"""

from dual_process.resources import growing


rule extract_features:
    input:
        checkpoints=unit_checkpoints,
        sentences=unit_sentences,
    output:
        store=temp(directory("<results>/language/features/{unit}.zarr")),
    log:
        "<logs>/extract_features/{unit}.log",
    benchmark:
        "<benchmarks>/extract_features/{unit}.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=growing(6000, most=64000),
        runtime=growing(120, most=1440),
    params:
        plan=unit_plan,
        folders=unit_folders,
        code=source_digest("language.features"),
    script:
        "../scripts/extract_features.py"


rule probe_part_of_speech:
    input:
        features=rules.extract_features.output.store,
        sentences=unit_sentences,
    output:
        store=update(directory("<results>/language/part_of_speech/{unit}.zarr")),
    log:
        "<logs>/probe_part_of_speech/{unit}.log",
    benchmark:
        "<benchmarks>/probe_part_of_speech/{unit}.tsv"
    # Before other work, so that features are removed as early as can be.
    priority: 1
    threads: settings.training.threads
    resources:
        mem_mb=growing(4000, most=64000),
        runtime=growing(60, most=1440),
    params:
        plan=unit_plan,
        analysis="part_of_speech",
        code=source_digest("language.part_of_speech", "store"),
    script:
        "../scripts/measure_features.py"


use rule probe_part_of_speech as probe_push_down with:
    output:
        store=update(directory("<results>/language/push_down/{unit}.zarr")),
    log:
        "<logs>/probe_push_down/{unit}.log",
    benchmark:
        "<benchmarks>/probe_push_down/{unit}.tsv"
    params:
        plan=unit_plan,
        analysis="push_down",
        code=source_digest("language.push_down", "store"),


rule measure_attention_heads:
    input:
        checkpoints=unit_checkpoints,
    output:
        store=update(directory("<results>/language/attention_heads/{unit}.zarr")),
    log:
        "<logs>/measure_attention_heads/{unit}.log",
    benchmark:
        "<benchmarks>/measure_attention_heads/{unit}.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=growing(4000, most=64000),
        runtime=growing(60, most=1440),
    params:
        plan=unit_plan,
        folders=unit_folders,
        code=source_digest("language.attention_heads", "store"),
    script:
        "../scripts/measure_attention_heads.py"


rule score_syllogisms:
    input:
        checkpoints=unit_checkpoints,
        sentences=unit_sentences,
    output:
        store=update(directory("<results>/language/syllogisms/{unit}.zarr")),
    log:
        "<logs>/score_syllogisms/{unit}.log",
    benchmark:
        "<benchmarks>/score_syllogisms/{unit}.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=growing(4000, most=64000),
        runtime=growing(60, most=1440),
    params:
        plan=unit_plan,
        folders=unit_folders,
        code=source_digest("language.syllogisms", "store"),
    script:
        "../scripts/score_syllogisms.py"


rule finetune:
    input:
        checkpoints=source_checkpoints,
        text=partial(corpus_file, "train"),
        sentences=source_sentences,
    output:
        store=update(directory("<results>/language/finetuning/{language_run}.zarr")),
    log:
        "<logs>/finetune/{language_run}.log",
    benchmark:
        "<benchmarks>/finetune/{language_run}.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=growing(4000, most=64000),
        runtime=growing(720, most=1440),
        gpu=settings.training.gpus or 0,
    params:
        plan=finetuning_plan,
        folder=source_folder,
        code=source_digest("language.finetuning", "store"),
    script:
        "../scripts/finetune.py"
