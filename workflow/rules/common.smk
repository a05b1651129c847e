"""Helpers shared by the rules: the checked configuration, plans, digests, paths. No rules here.

A job's plan is JSON text: all that decides its result. When it or the digest of its code changes, it is repeated.
"""

from functools import cache, partial

from snakemake.exceptions import WorkflowError

from dual_process import language_runs, runs
from dual_process.blocks import FIGURE_ANALYSES
from dual_process.config import ConfigError, load_config
from dual_process.digest import code_digest, named_by
from dual_process.locks import LockHeldError, hold

try:
    settings = load_config(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

DATA_OF_MAIN_TEXT = ("fig3", "fig4", "fig5", "fig6")
MAIN_TEXT = ("f1", *DATA_OF_MAIN_TEXT)
WITHOUT_DATA = ("f1", "a1")


class Table(dict):
    """What files are made from, by name; asked for a file that the configuration does not have, an error says so."""

    def __missing__(self, name):
        raise WorkflowError(f"no figure of the configuration draws what a file named '{name}' would hold.")


dataset_plans = Table(runs.dataset_plans(settings))
cohorts = Table(runs.cohorts(settings))
units = Table(language_runs.units(settings))


def source_digest(*modules):
    """Digest of the code behind a thin script."""
    return "-".join(code_digest(f"dual_process.{module}") for module in modules)


def dataset_plan(wildcards):
    """Plan of one data set."""
    return dataset_plans[wildcards.dataset].model_dump_json()


def cohort_plan(wildcards):
    """Plan of the checkpoints of one cohort."""
    return runs.cohort_plan(settings, cohorts[wildcards.cohort]).model_dump_json()


def probe_plan(wildcards):
    """Plan of the measurements on one cohort."""
    return runs.probe_plan(settings, cohorts[wildcards.cohort]).model_dump_json()


def gpus_of_cohort(wildcards):
    """GPUs that a training job asks for: by default one for stacked runs."""
    asked = settings.training.gpus
    return int(len(cohorts[wildcards.cohort]) > 1) if asked is None else asked


def cohort_datasets(wildcards):
    """Dataset stores of the runs of one cohort, each once."""
    keys = {runs.dataset_key(settings, run).name: None for run in cohorts[wildcards.cohort]}
    return [f"<results>/datasets/{name}.zarr" for name in keys]


def working_name(wildcards):
    """Folder name in which a cohort's checkpoints gather; another plan or code gets another folder."""
    return named_by(wildcards.cohort, cohort_plan(wildcards), source_digest("training.fit"))


def probing_name(wildcards):
    """Folder name in which measurements gather; another plan, code or folder of checkpoints gets another one."""
    return named_by(f"probes_{working_name(wildcards)}", probe_plan(wildcards), source_digest("probing.cohort"))


def checkpoint_folder(path):
    """Declare a folder of checkpoints, kept only if the configuration says so."""
    return directory(path) if settings.training.keep_checkpoints else temp(directory(path))


@cache
def run_name(run):
    """Name of a run, which many figures draw."""
    return run.name


def figure_runs(figure):
    """Names of the runs that a figure draws; none if the configuration leaves it out."""
    if figure not in settings.figures:
        return []
    found = (*runs.figure_runs(settings, figure), *language_runs.figure_language_runs(settings, figure))
    return [run_name(run) for run in found]


def figure_cohorts(*figures):
    """Cohorts that hold the runs of some figures."""
    drawn = [figure for figure in figures if figure in settings.figures]
    wanted = {run for figure in drawn for run in runs.figure_runs(settings, figure)}
    return [name for name, members in cohorts.items() if not wanted.isdisjoint(members)]


def figure_probes(figure):
    """Stores that hold the runs of a figure; asked for a figure that the configuration leaves out, an error."""
    if figure not in settings.figures:
        return partial(refuse_figure, figure)
    return [f"<results>/probes/{name}.zarr" for name in figure_cohorts(figure)] + language_stores(figure)


def refuse_figure(figure, wildcards):
    """Say what the configuration lacks; an input function, so that only who asks for the figure is told."""
    where = "; config/naturalistic.yaml has it" if figure in FIGURE_ANALYSES else ""
    raise WorkflowError(f"config: key 'figures.{figure}' is missing; it names the runs that the figure draws{where}.")


def drawing_files(name, *, figure, shows):
    """Outputs of a drawing without data; the caption is in workflow/report/."""
    labels = {"figure": figure, "shows": shows}
    png = report(f"<results>/figures/{name}.png", f"../report/{name}.rst", category="Figures", labels=labels)
    return {"pdf": f"<results>/figures/{name}.pdf", "png": png}


def figure_files(name, *, figure, shows):
    """Outputs of a figure: the drawing twice, and the numbers behind it."""
    return drawing_files(name, figure=figure, shows=shows) | {"csv": f"<results>/figures/{name}.csv"}


def claims_files(name, *, shows):
    """Outputs of a table of claims; the csv is the one that the report shows."""
    labels = {"figure": "all", "shows": shows}
    csv = report(f"<results>/{name}.csv", "../report/claims.rst", category="Claims", labels=labels)
    return {"json": f"<results>/{name}.json", "markdown": f"<results>/{name}.md", "csv": csv}


def hold_workflow_lock():
    """Refuse to work beside another snakemake in this folder; the kernel frees the lock however its holder dies."""
    try:
        hold(".snakemake/dual_process.lock")
    except LockHeldError:
        raise WorkflowError(
            "another snakemake is at work in this folder; wait for it to end, or give this one a folder of its own "
            "with --directory. Nothing was changed."
        ) from None


onstart:
    hold_workflow_lock()
