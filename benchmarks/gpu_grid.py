"""The grid of the main text at paper scale as one cohort: 72 runs of four distributions under the reference protocol.

Made as the workflow makes it, by the same functions and from ``config/paper.yaml``: data sets, checkpoints, the probes
store, figures 3 and 4. Every part goes on where it was stopped.
"""

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml  # type: ignore[import-untyped]

from benchmarks.report import duration, number, table
from dual_process.blocks import Block
from dual_process.checkpoints import INDEX, read_index, resumable_step
from dual_process.config import Config, load_config
from dual_process.devices import CPU
from dual_process.digest import code_digest, named_by
from dual_process.figures.files import draw_figure
from dual_process.models.registry import build_model
from dual_process.probing.cohort import probe_to_store
from dual_process.runs import CohortPlan, ProbePlan, cohort_plan, dataset_plans, probe_plan, runs_table
from dual_process.schedules import checkpoint_steps
from dual_process.store import open_store, provenance, write_store
from dual_process.tasks.registry import TASKS, layout
from dual_process.training.fit import train_cohort

CONFIG = Path(__file__).parents[1] / "config"
GRIDS, PROTOCOL = ("main", "horizons"), "reference"
FIGURES = ("fig3", "fig4")
ANALYSES = ("attention", "ablation", "rank_frequency")
"""All but that of the embedding, whose rows would be most of the store."""
RESUME_EVERY = 5_000
TINY = {
    "tasks": {"pos": {"vocabulary": 40, "evaluation_sequences": 50}},
    "models": {"bert": {"layers": 1, "width": 16, "feed_forward": 32}},
    "schedules": {
        "active-1000": {"period": 10},
        **{f"temporary-1000-{n}": {"period": 10, "forget_until": n // 1000 + 10} for n in (2500, 5000, 10000, 20000)},
    },
    "training": {"steps": 40, "compile": False, "batch_size": 8, "checkpoints_every": 20, "checkpoints_logarithmic": 2},
    "probing": {"probe_sequences": 40},
}
"""What a smoke test changes."""


@dataclass(frozen=True)
class Grid:
    """How the grid is trained.

    Parameters
    ----------
    folder
        For everything that is made.
    precision
        Of matrix products in training.
    checkpoints_every
        Linear distance of checkpoints, in steps; None as the configuration says.
    keep_checkpoints
        Whether to keep them after probing.
    threads
        CPU threads.
    tiny
        Whether this is a smoke test.
    """

    folder: Path
    precision: str = "float32"
    checkpoints_every: int | None = None
    keep_checkpoints: bool = False
    threads: int = 4
    tiny: bool = False

    def config(self) -> Config:
        """Configuration of the paper scale, as Snakemake puts it together, without what the grid needs not."""
        base, paper = (yaml.safe_load((CONFIG / name).read_text()) for name in ("config.yaml", "paper.yaml"))
        data = merge(merge(base, paper), TINY if self.tiny else {})
        data["training_variants"] = {}
        data["training"] = data["training"] | {"precision": self.precision}
        if self.checkpoints_every is not None:
            data["training"]["checkpoints_every"] = self.checkpoints_every
        data["grids"] = {name: data["grids"][name] for name in GRIDS}
        data["figures"] = {name: {"grids": list(GRIDS)} for name in FIGURES}
        data["probing"] = data["probing"] | {"analyses": list(ANALYSES)}
        return load_config(data)


def merge(data: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one configuration over another."""
    merged = dict(data)
    for key, value in over.items():
        inner = isinstance(value, Mapping) and isinstance(data.get(key), Mapping)
        merged[key] = merge(data[key], value) if inner else value
    return merged


class Journal:
    """What each part has taken, over all starts of the command.

    Parameters
    ----------
    path
        File of one JSON object a line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, part: str, **numbers: float) -> None:
        """Note one piece of work."""
        with self.path.open("a") as file:
            file.write(json.dumps({"part": part, **numbers}) + "\n")

    def of(self, part: str) -> list[dict[str, Any]]:
        """All pieces of a part."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [piece for piece in map(json.loads, lines) if piece["part"] == part]

    def total(self, part: str, key: str = "seconds") -> float:
        """Sum over the pieces of a part."""
        return sum(piece[key] for piece in self.of(part))

    @contextmanager
    def timed(self, part: str, device: torch.device = CPU) -> Iterator[dict[str, float]]:
        """Time a piece, also one that is stopped; the block may put more numbers into what it is given."""
        begun, numbers = time.perf_counter(), dict[str, float]()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        try:
            yield numbers
        finally:
            peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
            self.add(part, seconds=time.perf_counter() - begun, peak=peak, **numbers)


def train_grid(grid: Grid, device: torch.device) -> str:
    """Make everything that is not there yet; return a report in markdown.

    Raises
    ------
    SystemExit
        If the process was asked to end; with a code that asks for another start.
    """
    config = grid.config()
    members = tuple(run for run in runs_table(config) if run.protocol == PROTOCOL)
    plan, probes = cohort_plan(config, members), probe_plan(config, members)
    journal = Journal(grid.folder / "journal.jsonl")
    checkpoints, store = grid.folder / "checkpoints" / plan.name, grid.folder / "probes" / f"{plan.name}.zarr"
    if not made(store, probes):
        datasets = make_datasets(grid, config, plan, journal)
        train(grid, plan, datasets, checkpoints, journal, device)
        probe(grid, probes, datasets, checkpoints, store, journal, device)
    if not grid.keep_checkpoints:
        shutil.rmtree(checkpoints, ignore_errors=True)
    for name in FIGURES:
        files = {form: grid.folder / "figures" / f"{name}.{form}" for form in ("png", "pdf", "csv")}
        draw_figure(name, [store], [run.name for run in members], files)
    return report(plan, probes, store, journal)


def made(store: Path, plan: Block) -> bool:
    """Whether a store is there and was made from this very plan."""
    return store.exists() and open_store(store).attrs["plan"] == json.loads(plan.model_dump_json())


def make_datasets(grid: Grid, config: Config, plan: CohortPlan, journal: Journal) -> list[Path]:
    """Draw and store the data sets of all runs."""
    wanted, paths = {run.dataset for run in plan.runs}, []
    for dataset in dataset_plans(config).values():
        if dataset.name in wanted:
            paths.append(grid.folder / "datasets" / f"{dataset.name}.zarr")
            if not made(paths[-1], dataset):
                with journal.timed("data") as numbers:
                    groups = TASKS[dataset.task.kind].make_dataset(dataset)
                    write_store(paths[-1], groups, provenance(dataset.model_dump_json()))
                    numbers["sequences"] = dataset.training_sequences
    return paths


def train(
    grid: Grid, plan: CohortPlan, datasets: list[Path], output: Path, journal: Journal, device: torch.device
) -> None:
    """Train the cohort, or go on with it."""
    name = named_by("training", plan.model_dump_json(), code_digest("dual_process.training.fit"))
    working = grid.folder / "working" / name
    if (output / INDEX).exists() and read_index(output)["working"] == working.name:
        return
    check_disk(grid.folder, plan, datasets)
    first, last = resumable_step(working), plan.optimisation.steps
    with journal.timed("training", device) as numbers:
        try:
            train_cohort(
                plan.model_dump_json(),
                datasets=datasets,
                output=output,
                working=working,
                resume_every=RESUME_EVERY,
                threads=grid.threads,
            )
        finally:
            numbers["steps"] = (resumable_step(working) if working.exists() else last) - first


def probe(
    grid: Grid,
    plan: ProbePlan,
    datasets: list[Path],
    checkpoints: Path,
    store: Path,
    journal: Journal,
    device: torch.device,
) -> None:
    """Measure the checkpoints, or go on with it, and write the store."""
    text = plan.model_dump_json()
    code = [code_digest(f"dual_process.{module}") for module in ("training.fit", "probing.cohort")]
    working = grid.folder / "working" / named_by("probing", text, *code)
    with journal.timed("probing", device):
        probe_to_store(
            text, datasets=datasets, checkpoints=checkpoints, store=store, working=working, threads=grid.threads
        )


def check_disk(folder: Path, plan: CohortPlan, datasets: list[Path]) -> None:
    """Make sure that the checkpoints have room.

    Raises
    ------
    SystemExit
        If they have not.
    """
    vocabulary = open_store(datasets[0], "vocabulary")
    sizes = {"num_tokens": vocabulary.sizes["token"], "num_positions": layout(plan.runs[0].task).num_positions}
    parameters = sum(each.numel() for each in build_model(plan.model, num_runs=1, **sizes).parameters())
    steps = len(checkpoint_steps(plan.optimisation, [run.schedule for run in plan.runs]))
    needed = 4 * parameters * len(plan.runs) * (steps + 2 * 3)  # the state to go on from is written beside the last one
    there = folder / "working"
    present = sum(path.stat().st_size for path in there.rglob("*.safetensors")) if there.exists() else 0
    free = shutil.disk_usage(folder).free + present
    if free < needed:
        raise SystemExit(
            f"{steps} checkpoints of {len(plan.runs)} runs take {needed / 1e9:.1f} GB, and {folder} has room for "
            f"{free / 1e9:.1f} GB; make --checkpoints-every larger"
        )


def report(plan: CohortPlan, probes: ProbePlan, store: Path, journal: Journal) -> str:
    """Tabulate what everything took, and say what was made."""
    settings, training, steps = plan.optimisation, journal.total("training"), journal.total("training", "steps")
    measured, runs = open_store(store), len(plan.runs)
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    peak = max(piece["peak"] for piece in journal.of("training"))
    checkpoints, sets = measured.sizes["step"], measured.sizes["evaluation"]
    rows = [
        [f"{journal.total('data', 'sequences'):,.0f} sequences drawn and stored", duration(journal.total("data"))],
        [f"training, {runs} runs x {steps:,.0f} steps, {checkpoints} checkpoints written", duration(training)],
        ["- starts of the command", f"{len(journal.of('training'))}"],
        ["- steps/s, and of all runs together", f"{number(steps / training)}, {number(runs * steps / training)}"],
        ["- peak GPU memory", f"{peak / 1e9:.1f} GB"],
        [f"probing, {checkpoints} checkpoints x {sets} sets, all runs", duration(journal.total("probing"))],
        ["- peak GPU memory", f"{max(piece['peak'] for piece in journal.of('probing')) / 1e9:.1f} GB"],
        ["probes store on disk", f"{size / 1e6:.1f} MB"],
    ]
    notes = (
        f"Protocol {PROTOCOL}, products of training in {settings.precision}, the other settings those of "
        f"`config/paper.yaml`, with a checkpoint every {settings.checkpoints_every} steps; analyses: "
        f"{', '.join(probes.probing.analyses)}. Times are those of all starts together, with loading, checkpoints, "
        f"resets and saving; a start that was killed without a chance to save is not among them. The probes are in "
        f"`{store}`, figures 3 and 4 in `{store.parents[1] / 'figures'}`; to draw them again from the store:"
    )
    return "\n\n".join([table(["the whole grid", "measured"], rows), notes, command(store)])


def command(store: Path) -> str:
    """Shell command that draws the figures from the store."""
    lines = [
        "from dual_process.figures.files import draw_figure",
        "from dual_process.store import open_store",
        f"store = '{store}'",
        "runs = open_store(store)['run'].values",
        f"for name in {FIGURES}:",
        "    draw_figure(name, [store], runs, {form: f'{name}.{form}' for form in ('png', 'pdf', 'csv')})",
    ]
    return "\n".join(["```", "python - <<'END'", *lines, "END", "```"])
