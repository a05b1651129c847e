"""What snakemake plans after the configuration, the code or nothing has changed."""

import json
import re
from types import ModuleType

import pandas as pd
import pytest
import xarray as xr
import yaml

from dual_process.figures import fig3, fig4
from dual_process.store import open_store
from tests.workflow.conftest import ROOT, Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow")]

DATA_FIGURES = {"fig3", "fig4", "fig5", "fig6"}
ALL = {"make_dataset", "train_cohort", "probe_cohort", "main_claims", "f1", *DATA_FIGURES}
"""Rules that the default target runs, which is the main text."""
LANGUAGE = {
    *("draw_sentences", "pretrain", "extract_features", "probe_part_of_speech", "probe_push_down"),
    *("measure_attention_heads", "score_syllogisms", "finetune"),
}
SCALES = [yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("config.yaml", "ci.yaml")]
FIGURES = {figure for scale in SCALES for figure in scale.get("figures", {})}
EVERY = {"claims", "a1"} | FIGURES | LANGUAGE | ALL - {"main_claims"}
"""Rules that the target `figures` runs."""


@pytest.fixture
def edited(finished_project: Project):
    """Let a test edit the finished copy, and put every file back afterwards."""
    sources = {path: path.read_text() for path in finished_project.folder.glob("src/**/*.py")}
    yield finished_project
    for path, text in sources.items():
        if path.read_text() != text:
            path.write_text(text)


def test_nothing_to_do_after_a_finished_run(finished_project: Project) -> None:
    assert "Nothing to be done" in finished_project.snakemake("--dry-run")


def test_fresh_plan_runs_the_main_text_or_everything(project: Project) -> None:
    assert set(project.plan()) == ALL
    assert set(project.plan("--", "figures")) - {"figures"} == EVERY


def test_paper_configuration_plans_its_grid(project: Project) -> None:
    plan = project.plan("--configfile", "config/paper.yaml")
    assert plan["train_cohort"] == plan["probe_cohort"] == 168
    assert plan["make_dataset"] == 24


def test_one_cell_of_the_paper_is_one_run(project: Project) -> None:
    plan = project.plan("--configfile", "config/paper.yaml", "config/paper_cell.yaml", "--", "fig3")
    assert plan == {"make_dataset": 1, "train_cohort": 1, "probe_cohort": 1, "fig3": 1}


def test_editing_a_figure_redraws_that_figure_alone(edited: Project) -> None:
    path = edited.folder / "src/dual_process/figures/fig3.py"
    path.write_text(path.read_text() + "\nunused = 1\n")
    assert edited.plan() == {"fig3": 1}


def test_editing_shared_figure_code_redraws_figures_alone(edited: Project) -> None:
    path = edited.folder / "src/dual_process/figures/style.py"
    path.write_text(path.read_text() + "\nunused = 1\n")
    assert edited.plan() == dict.fromkeys({"f1", *DATA_FIGURES}, 1)


def test_editing_a_claim_evaluates_claims_alone(edited: Project) -> None:
    path = edited.folder / "src/dual_process/claims/verdict.py"
    path.write_text(path.read_text() + "\nunused = 1\n")
    assert edited.plan() == {"main_claims": 1}


def test_editing_the_model_retrains_everything(edited: Project) -> None:
    edited.edit("src/dual_process/models/bert.py", "INITIAL_SCALE = 0.02", "INITIAL_SCALE = 0.03")
    plan = edited.plan()
    assert set(plan) == ALL - {"make_dataset", "f1"}
    assert plan["train_cohort"] == 8


def test_editing_a_probe_measures_again(edited: Project) -> None:
    path = edited.folder / "src/dual_process/probing/linear.py"
    path.write_text(path.read_text() + "\nunused = 1\n")
    plan = edited.plan()
    assert plan["probe_cohort"] == 8
    assert "make_dataset" not in plan


def test_comments_and_docstrings_change_nothing(edited: Project) -> None:
    path = edited.folder / "src/dual_process/models/bert.py"
    path.write_text("# a comment\n" + path.read_text().replace("A toy BERT", "A small toy BERT", 1))
    assert edited.plan() == {}


def test_redrawing_a_figure_trains_nothing(finished_project: Project) -> None:
    assert finished_project.plan("--forcerun", "fig4", "--", "fig4") == {"fig4": 1}
    file = finished_project.folder / "results/ci/figures/fig4.pdf"
    before = file.stat().st_mtime_ns
    finished_project.snakemake("--cores", "2", "--forcerun", "fig4", "--", "fig4")
    assert file.stat().st_mtime_ns > before
    assert finished_project.plan("--forcerun", "fig4", "--", "results/ci/figures/fig4.pdf") == {"fig4": 1}


def test_new_distribution_trains_its_own_cohorts_only(finished_project: Project) -> None:
    overlay = finished_project.folder / "more.yaml"
    overlay.write_text("grids: {horizons: {distributions: [zipf-1.5, two-level]}}\n")
    plan = finished_project.plan("--configfile", "config/ci.yaml", "more.yaml")
    assert plan["train_cohort"] == plan["make_dataset"] == 1
    assert {"fig4", "main_claims"} <= set(plan)


def test_patterns_of_files_do_not_grow_with_the_number_of_runs(project: Project) -> None:
    # Snakemake reads the pattern of a file anew for every job: all names in it make the time quadratic in the runs.
    def patterns(*configuration: str) -> set[str]:
        graph = project.snakemake("--filegraph", "--configfile", *configuration, "--", "figures")
        return set(re.findall(r"\{\w+,.*\}", graph))

    (project.folder / "more.yaml").write_text("grids: {main: {seeds: [0, 1, 2, 3, 4, 5]}}\n")
    few, many = patterns("config/ci.yaml"), patterns("config/ci.yaml", "more.yaml")
    assert {pattern.split(",")[0] for pattern in few} >= {"{dataset", "{cohort", "{unit", "{language_run"}
    assert few == many


@pytest.mark.parametrize("file", ["datasets/x.zarr", "probes/x.zarr"])
def test_a_file_that_no_figure_draws_is_refused(project: Project, file: str) -> None:
    printed = project.snakemake("--dry-run", "--", f"results/ci/{file}", fails=True)
    assert "no figure of the configuration draws what a file named 'x' would hold" in printed


@pytest.mark.parametrize("figure", [fig3, fig4])
def test_numbers_beside_a_figure_are_those_of_the_stores(finished_project: Project, figure: ModuleType) -> None:
    name = figure.__name__.split(".")[-1]
    written = pd.read_csv(finished_project.folder / f"results/ci/figures/{name}.csv")
    assert len(written) > 0
    for path in sorted((finished_project.folder / "results/ci/probes").glob("*.zarr")):
        store = open_store(path)
        for row in written[written["run"].isin(store["run"].values)].itertuples():
            cell = store["score"].sel(run=row.run, step=row.step, evaluation=row.evaluation, metric=row.metric)
            assert float(cell) == pytest.approx(row.accuracy, abs=1e-6)
            written = written.drop(row.Index)
    assert written.empty


def test_claims_table_has_a_verdict_each(finished_project: Project) -> None:
    claims = json.loads((finished_project.folder / "results/ci/main_claims.json").read_text())
    listed = claims["claims"] if isinstance(claims, dict) else claims
    assert {claim["verdict"] for claim in listed} <= {"holds", "fails", "not testable"}
    assert {claim["figure"] for claim in listed} == DATA_FIGURES


def test_report_holds_figures_and_claims(finished_project: Project) -> None:
    finished_project.snakemake("--report", "report.html")
    text = (finished_project.folder / "report.html").read_text()
    assert all(name in text for name in ("f1.png", "fig3.png", "fig6.png", "main_claims.csv"))


def test_probe_store_opens_with_labelled_dimensions(finished_project: Project) -> None:
    path = next((finished_project.folder / "results/ci/probes").glob("*zipf-1.5*.zarr"))
    with pytest.warns(match="snakemake_timestamp"):  # snakemake's own stamp in the folder; harmless
        store = xr.open_zarr(path, consolidated=False)
    assert {"run", "step", "evaluation", "metric"} <= set(store.dims)
    labels = "distribution alpha ambiguity vocabulary schedule period forget_until protocol seed"
    assert set(labels.split()) <= set(store.coords)
    assert {"plan", "dual_process_version", "git_commit"} <= set(store.attrs)
