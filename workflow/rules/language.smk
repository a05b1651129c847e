"""Natural language, up to the checkpoints: treebanks, sentences, pretraining, checkpoints from a hub.

Needs the files that language.corpora names. Makes under results/<scale>/language/ the treebanks that have a URL, the
sentences on which all checkpoints are probed, a folder of checkpoints for each pretraining run, which is kept, and for
each checkpoint on a hub a folder, which is removed after probing.
"""

from dual_process.resources import growing


wildcard_constraints:
    corpus=one_of_or_none(settings.language.corpora if settings.language else []),
    part="train|dev",
    unit="[^/]+",
    language_run="[^/]+",


rule fetch_corpus_file:
    output:
        file="<results>/language/corpora/{corpus}/{part}.conllu",
    log:
        "<logs>/fetch_corpus_file/{corpus}-{part}.log",
    benchmark:
        "<benchmarks>/fetch_corpus_file/{corpus}-{part}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        source=corpus_source,
        code=source_digest("language.fetching"),
    script:
        "../scripts/fetch_corpus_file.py"


rule draw_sentences:
    input:
        train=partial(corpus_file, "train"),
        dev=partial(corpus_file, "dev"),
    output:
        store=update(directory("<results>/language/sentences/{corpus}.zarr")),
    log:
        "<logs>/draw_sentences/{corpus}.log",
    benchmark:
        "<benchmarks>/draw_sentences/{corpus}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        plan=sentences_plan,
        code=source_digest("language.sentences", "store"),
    script:
        "../scripts/draw_sentences.py"


rule pretrain:
    input:
        text=partial(corpus_file, "train"),
    output:
        checkpoints=directory("<results>/language/checkpoints/{language_run}"),
    log:
        "<logs>/pretrain/{language_run}.log",
    benchmark:
        "<benchmarks>/pretrain/{language_run}.tsv"
    threads: settings.training.threads
    resources:
        mem_mb=growing(4000, most=64000),
        runtime=growing(720, most=1440),
        gpu=settings.training.gpus or 0,
    params:
        plan=pretraining_plan,
        working=pretraining_folder,
        resume_every=settings.training.resume_every,
        code=source_digest("language.pretraining"),
    script:
        "../scripts/pretrain.py"


rule fetch_checkpoint:
    output:
        folder=temp(directory("<results>/language/hub/{unit}")),
    log:
        "<logs>/fetch_checkpoint/{unit}.log",
    benchmark:
        "<benchmarks>/fetch_checkpoint/{unit}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        plan=hub_plan,
        code=source_digest("language.fetching"),
    script:
        "../scripts/fetch_checkpoint.py"
