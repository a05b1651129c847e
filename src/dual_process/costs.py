"""What the jobs of a workflow ask for, and what they have cost; works without SLURM's accounting.

``python -m dual_process.costs results/paper/benchmarks`` reads Snakemake's benchmark files; ``snakemake --dry-run |
python -m dual_process.costs --planned`` reads a dry run. Both print one row for each rule. A benchmark file tells of
the attempt that ended well; what killed attempts took before is not in it.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dual_process.blocks import AssociativeRecall, Model, Task
from dual_process.config import Config
from dual_process.runs import cohorts, dataset_key
from dual_process.schedules import checkpoint_steps

MISSING = ("NA", "-", "")
"""What Snakemake writes for a number that it could not measure."""


@dataclass(frozen=True)
class Job:
    """One job, planned or done."""

    rule: str
    """Name of its rule."""
    hours: float
    """Time it took, or its time limit."""
    cores: int
    """CPU cores it asked for."""
    gpus: int
    """GPUs it asked for."""
    memory: float
    """Most memory it used, or asked for, in GB; 0 if unknown."""
    cpu_hours: float = 0.0
    """CPU time it used; 0 if unknown."""
    runs: int = 1
    """Members of its cohort; 1 for a job that has none."""


def read_benchmarks(folder: str | Path) -> list[Job]:
    """Read all benchmark files of a scale: ``<rule>.tsv`` and ``<rule>/<wildcards>.tsv``.

    Cores and GPUs are known where the workflow ran with ``benchmark-extended``, as all profiles here do; else a job
    counts as one core and no GPU.
    """
    jobs = []
    for path in sorted(Path(folder).rglob("*.tsv")):
        header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
        record = dict(zip(header, rows[-1], strict=True))
        resources = ast.literal_eval(record.get("resources", "{}"))
        jobs.append(
            Job(
                rule=path.relative_to(folder).with_suffix("").parts[0],
                hours=_number(record["s"]) / 3600,
                cores=int(record.get("threads", 1)),
                gpus=int(resources.get("gpu", 0)),
                memory=_number(record["max_rss"]) / 1024,
                cpu_hours=_number(record["cpu_time"]) / 3600,
                runs=_runs(path.stem),
            )
        )
    return jobs


def read_dry_run(lines: Iterable[str]) -> list[Job]:
    """Read the jobs that ``snakemake --dry-run`` lists, with the resources of their first attempt."""
    blocks: list[tuple[str, dict[str, str]]] = []
    for line in lines:
        if match := re.match(r"rule (\w+):$", line):
            blocks.append((match[1], {}))
        elif blocks and (match := re.match(r" +(wildcards|threads|resources): (.*)$", line)):
            blocks[-1][1][match[1]] = match[2]
    return [_planned(rule, fields) for rule, fields in blocks if rule != "all"]


def table(jobs: Sequence[Job], *, planned: bool = False) -> str:
    """Lay jobs out as text, one row for each rule and one for all."""
    rules = list(dict.fromkeys(job.rule for job in jobs))
    header = ["rule", "jobs", "core hours", "GPU hours", "longest job, h", "most memory, GB"]
    rows = [header if planned else [*header, "CPU hours used"]]
    for name, members in [*((rule, [job for job in jobs if job.rule == rule]) for rule in rules), ("all", list(jobs))]:
        numbers = [
            sum(job.hours * job.cores for job in members),
            sum(job.hours * job.gpus for job in members),
            max((job.hours for job in members), default=0),
            max((job.memory for job in members), default=0),
        ]
        numbers += [] if planned else [sum(job.cpu_hours for job in members)]
        rows.append([name, f"{len(members):,}", *(f"{number:,.2f}" for number in numbers)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [[row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, len(row)))] for row in rows]
    return "\n".join("  ".join(line) for line in lines)


def disk_space(settings: Config) -> tuple[float, float]:
    """Estimate the disk space that a configuration needs.

    Checkpoints go when they have been probed, unless they are to be kept.

    Returns
    -------
    float
        GB of all that stays.
    float
        GB while the checkpoints of all cohorts are there at once, as they can be on a large cluster.
    """
    datasets: dict[str, float] = {}
    probes = checkpoints = 0.0
    for members in cohorts(settings).values():
        training = settings.trainings[members[0].training]
        task, model = settings.tasks[members[0].task], settings.models[members[0].model]
        saved = len(checkpoint_steps(training, [settings.schedules[run.schedule] for run in members]))
        parameters, tokens = num_parameters(task, model), num_tokens(task)
        # a state to go on from also holds two moments
        checkpoints += len(members) * 4 * parameters * (saved + 3)
        # measured: 4 kB a checkpoint, and what is kept of each row of the embedding
        probes += len(members) * (4000 * saved + 200 * tokens)
        for run in members:
            sequence = 2 * (2 * task.pairs + 2) if isinstance(task, AssociativeRecall) else 6
            datasets[dataset_key(settings, run).name] = (
                training.steps * training.batch_size + 20 * task.evaluation_sequences
            ) * sequence
    stays = sum(datasets.values()) + probes
    kept = checkpoints if settings.training.keep_checkpoints else 0.0
    return (stays + kept) / 1e9, (stays + checkpoints) / 1e9


def num_tokens(task: Task) -> int:
    """Rows of the embedding of a task's model, unseen tokens included."""
    if isinstance(task, AssociativeRecall):
        return 2 * task.items + task.unseen + 1
    return task.vocabulary + 2 + task.num_unseen * (3 if task.unseen_variants else 1)


def num_parameters(task: Task, model: Model) -> int:
    """Parameters of one run's model; positions and layer norms, a few per cent, are left out."""
    return num_tokens(task) * (model.width + 1) + model.layers * 2 * model.width * (
        2 * model.width + model.feed_forward
    )


def cohort_sizes(jobs: Iterable[Job]) -> str:
    """Say how many runs train together.

    Examples
    --------
    >>> cohort_sizes([Job("train_cohort", 1, 1, 1, 4, runs=18), Job("train_cohort", 1, 1, 1, 4, runs=6)])
    'cohorts to train: 2, with 24 runs in all: 1 of 18, 1 of 6'
    """
    sizes = Counter(job.runs for job in jobs if job.rule == "train_cohort")
    each = ", ".join(f"{count} of {runs}" for runs, count in sorted(sizes.items(), reverse=True))
    runs = sum(runs * count for runs, count in sizes.items())
    return f"cohorts to train: {sizes.total()}, with {runs} runs in all{': ' if each else ''}{each}"


def _planned(rule: str, fields: Mapping[str, str]) -> Job:
    resources = dict(pair.split("=", 1) for pair in fields.get("resources", "").split(", ") if "=" in pair)
    return Job(
        rule=rule,
        hours=_number(resources.get("runtime", "")) / 60,
        cores=int(fields.get("threads", 1)),
        gpus=int(_number(resources.get("gpu", ""))),
        memory=_number(resources.get("mem_mb", "")) / 1000,
        runs=_runs(fields.get("wildcards", "")),
    )


def _runs(cohort: str) -> int:
    match = re.search(r"_runs~(\d+)$", cohort)
    return int(match[1]) if match else 1


def _number(text: str) -> float:
    return 0.0 if text in MISSING or text.startswith("<") else float(text)


def main(arguments: Sequence[str]) -> int:
    """Print the table of a folder of benchmark files, or of the dry run on standard input."""
    if list(arguments) == ["--planned"]:
        jobs = read_dry_run(sys.stdin)
        if not jobs:
            print("nothing to be done")
            return 0
        print(cohort_sizes(jobs))
        print("What the first attempts ask for; hours are time limits:")
        print(table(jobs, planned=True))
        return 0
    (folder,) = arguments
    jobs = read_benchmarks(folder)
    if not jobs:
        print(f"{folder} holds no benchmark files: nothing has been run at this scale yet", file=sys.stderr)
        return 1
    print(table(jobs))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
