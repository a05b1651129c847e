from snakemake.utils import min_version

min_version("9.19")


configfile: "config/config.yaml"


# Inert unless asked for with --software-deployment-method apptainer; see README, "On a cluster".
container: "docker://python:3.11"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_language.smk"


pathvars:
    scale=settings.scale,
    results="results/<scale>",
    logs="results/<scale>/logs",
    benchmarks="results/<scale>/benchmarks",


wildcard_constraints:
    dataset="[^/]+",
    cohort="[^/]+",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/language.smk"
include: "workflow/rules/language_probing.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/figures_appendix.smk"
include: "workflow/rules/figures_further.smk"
include: "workflow/rules/figures_drawings.smk"
include: "workflow/rules/figures_language.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/doctor.smk"


localrules:
    all,
    figures,


# The main text and its claims.
rule all:
    default_target: True
    input:
        collect("<results>/figures/{figure}.pdf", figure=MAIN_TEXT),
        rules.main_claims.output,


# Every figure and every claim.
rule figures:
    input:
        collect("<results>/figures/{figure}.pdf", figure=[*WITHOUT_DATA, *settings.figures]),
        rules.claims.output,
