"""The natural-language study through snakemake: plans of the overlays, and what a user is told."""

import pytest

from tests.workflow.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow")]

TREEBANK = """language:
  corpora:
    ewt:
      train: {path: data/tiny_english/train.conllu}
      dev: {path: data/tiny_english/dev.conllu}
"""


@pytest.fixture
def treebank(project: Project) -> Project:
    """Return a copy in which the treebank of the overlays is the tiny one."""
    (project.folder / "treebank.yaml").write_text(TREEBANK)
    return project


def test_multiberts_plan_probes_72_checkpoints(treebank: Project) -> None:
    plan = treebank.plan("--configfile", "config/config.yaml", "config/multiberts.yaml", "treebank.yaml", "--", "fig2")
    assert plan == {
        "fetch_checkpoint": 72,
        "extract_features": 72,
        "probe_part_of_speech": 72,
        "draw_sentences": 1,
        "fig2": 1,
    }


def test_naturalistic_plan_trains_each_schedule_and_seed_once(treebank: Project) -> None:
    overlays = ("config/config.yaml", "config/naturalistic.yaml", "treebank.yaml")
    plan = treebank.plan("--configfile", *overlays, "--", "fig2", "push_down", "v4")
    assert plan["pretrain"] == 6 + 2
    assert plan["extract_features"] == plan["probe_push_down"] == plan["probe_part_of_speech"] == 6
    assert plan["finetune"] == 4


def test_autoregressive_plan_of_the_paper(treebank: Project) -> None:
    plan = treebank.plan("--configfile", "config/config.yaml", "config/pythia.yaml", "treebank.yaml", "--", "v3", "v4")
    assert plan["fetch_checkpoint"] == 32 + 1
    assert plan["score_syllogisms"] == 32
    assert plan["finetune"] == 1


def test_a_missing_treebank_is_one_sentence(project: Project) -> None:
    overlays = ("--configfile", "config/config.yaml", "config/naturalistic.yaml")
    printed = project.snakemake("--dry-run", *overlays, "--", "fig2", fails=True)
    assert "data/ud_english_ewt/en_ewt-ud-train.conllu is not there; data/README.md says where to get it" in printed


def test_a_figure_that_the_configuration_lacks_is_refused(project: Project) -> None:
    printed = project.snakemake("--dry-run", "--configfile", "config/config.yaml", "--", "fig2", fails=True)
    assert "key 'figures.fig2' is missing" in printed
    assert "config/naturalistic.yaml has it" in printed
