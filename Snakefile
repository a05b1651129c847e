from snakemake.utils import min_version

min_version("9.19")


configfile: "config/config.yaml"


# Inert unless asked for with --software-deployment-method apptainer; see README, "On a cluster".
container: "docker://python:3.11"


include: "workflow/rules/common.smk"


pathvars:
    scale=settings.scale,
    results="results/<scale>",
    logs="results/<scale>/logs",
    benchmarks="results/<scale>/benchmarks",


wildcard_constraints:
    dataset=one_of(dataset_plans),
    cohort=one_of(cohorts),


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        rules.fig3.output,
        rules.fig4.output,
        rules.fig5.output,
        rules.claims.output,


onstart:
    hold_workflow_lock()
