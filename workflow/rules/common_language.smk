"""Helpers of the rules of the natural-language study: plans and paths. No rules here."""

import re
from pathlib import Path

NO_FILE = "{path} is not there; data/README.md says where to get it, and language.corpora.{corpus} names its path."
NO_FOLDER = "{path} is not there; put the checkpoint there as save_pretrained of transformers writes it."


def one_of_or_none(names):
    """Wildcard pattern for a few names, and for nothing if there are none."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def existing(path, otherwise):
    """Return a path of the user's; if nothing is there, say so before any job starts."""
    if not Path(path).exists():
        raise WorkflowError(otherwise)
    return path


def corpus_file(part, wildcards):
    """File of a treebank, as the user has put it there or as a rule fetches it."""
    corpus = wildcards.get("corpus") or language_run(wildcards).corpus
    file = getattr(settings.language.corpora[corpus], part)
    if file.url:
        return f"<results>/language/corpora/{corpus}/{part}.conllu"
    return existing(file.path, NO_FILE.format(path=file.path, corpus=corpus))


def corpus_source(wildcards):
    """Where a file of a treebank is fetched from, and its checksum."""
    file = getattr(settings.language.corpora[wildcards.corpus], wildcards.part)
    return {"url": file.url, "sha256": file.sha256}


def language_run(wildcards):
    """Run of language models by name."""
    return language_runs_by_name[wildcards.language_run]


def series_of(unit):
    """Block of the series that a unit is part of."""
    return settings.language.checkpoints[unit.run.checkpoints]


def unit_checkpoints(wildcards):
    """Folder or folders with the checkpoints of a unit, from the rule that makes them or from the user."""
    return checkpoints_of(units[wildcards.unit])


def checkpoints_of(unit):
    """Folder or folders with the checkpoints of a unit."""
    kind = series_of(unit).kind
    if kind == "local":
        folders = language_runs.unit_plan(settings, unit).folders
        return [existing(folder, NO_FOLDER.format(path=folder)) for folder in folders]
    return {
        "pretrained": f"<results>/language/checkpoints/{unit.run.name}",
        "hub": f"<results>/language/hub/{unit.name}",
    }[kind]


def unit_folders(wildcards, input):
    """Folder of each checkpoint of a unit, in the order of its steps."""
    return folders_of(units[wildcards.unit], input.checkpoints)


def folders_of(unit, checkpoints):
    """Folder of each checkpoint of a unit."""
    names = language_runs.unit_plan(settings, unit).folders
    return list(names) if series_of(unit).kind == "local" else [str(Path(checkpoints, name)) for name in names]


def unit_sentences(wildcards):
    """Sentences on which a unit is probed."""
    return f"<results>/language/sentences/{units[wildcards.unit].run.corpus}.zarr"


def unit_plan(wildcards):
    """Plan of the measurements of one unit."""
    return language_runs.unit_plan(settings, units[wildcards.unit]).model_dump_json()


def pretraining_plan(wildcards):
    """Plan of one pretraining run."""
    return language_runs.pretraining_plan(settings, language_run(wildcards)).model_dump_json()


def pretraining_folder(wildcards):
    """Folder name in which a run's checkpoints gather; another plan or code gets another folder."""
    return named_by(wildcards.language_run, pretraining_plan(wildcards), source_digest("language.pretraining"))


def sentences_plan(wildcards):
    """Plan of the sentences of one treebank."""
    return language_runs.sentences_plan(settings, wildcards.corpus).model_dump_json()


def hub_plan(wildcards):
    """Where a checkpoint of a unit is to be had."""
    return language_runs.hub_plan(settings, units[wildcards.unit]).model_dump_json()


def finetuning_plan(wildcards):
    """Plan of one finetuning run."""
    return language_runs.finetuning_plan(settings, language_run(wildcards)).model_dump_json()


def source_unit(wildcards):
    """Unit whose last checkpoint a finetuning run starts from."""
    return language_runs.last_unit(settings, language_run(wildcards).source)


def source_checkpoints(wildcards):
    """Folder or folders with the checkpoint that a finetuning run starts from."""
    return checkpoints_of(source_unit(wildcards))


def source_folder(wildcards, input):
    """Folder of the checkpoint that a finetuning run starts from."""
    return folders_of(source_unit(wildcards), input.checkpoints)[-1]


def source_sentences(wildcards):
    """Sentences whose words a finetuning run is asked about."""
    return f"<results>/language/sentences/{language_run(wildcards).corpus}.zarr"


def language_stores(figure):
    """Stores of the measurements on language models that a figure draws."""
    analysis = FIGURE_ANALYSES.get(figure)
    return [f"<results>/language/{analysis}/{unit.name}.zarr" for unit in language_runs.figure_units(settings, figure)]


language_runs_by_name = Table({unit.run.name: unit.run for unit in units.values()})
