"""All measurements on the checkpoints of a cohort, as one labelled dataset.

In: a finished folder of checkpoints and the dataset stores of its runs. Out: the dataset described in
``README.md`` under "Reading the results".
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from dual_process.checkpoints import read_checkpoint, read_index
from dual_process.models.bert import StackedBert
from dual_process.models.registry import build_model
from dual_process.probing.embedding import principal_components, separability
from dual_process.probing.evaluation import PROBED, Evaluations
from dual_process.probing.labels import coordinates
from dual_process.probing.rows import with_unseen_rows
from dual_process.probing.scores import METRICS
from dual_process.runs import CohortPlan, ProbePlan, stores_of_runs
from dual_process.schedules import steps_since_reset
from dual_process.store import open_store
from dual_process.tasks.registry import layout

logger = logging.getLogger(__name__)


def probe_cohort(
    plan_json: str, *, datasets: Iterable[str | Path], checkpoints: str | Path, threads: int
) -> xr.Dataset:
    """Measure every checkpoint of a cohort.

    Parameters
    ----------
    plan_json
        A :class:`dual_process.runs.ProbePlan` as JSON.
    datasets
        Dataset stores; each carries the name of its data set.
    checkpoints
        Finished folder of checkpoints.
    threads
        CPU threads.
    """
    torch.set_num_threads(threads)
    plan = ProbePlan.model_validate_json(plan_json)
    folder, cohort = Path(checkpoints), plan.cohort
    steps = read_index(folder)["steps"]
    stores = stores_of_runs(cohort, datasets)
    evaluations = Evaluations(plan, stores)
    vocabularies = [open_store(path, "vocabulary") for path in stores]
    since = np.stack([steps_since_reset(run.schedule, cohort.optimisation.steps, steps) for run in cohort.runs])
    kept = _spread(steps, plan.probing.analysis_steps)
    model = _model(cohort, num_tokens=vocabularies[0].sizes["token"])
    parts = []
    for column, step in enumerate(steps):
        state = read_checkpoint(folder, step)
        losses = state.pop("training_loss")
        state = with_unseen_rows(
            state,
            num_tokens=vocabularies[0].sizes["token"],
            protocol=cohort.protocol,
            was_reset=np.isfinite(since[:, column]).tolist(),
            seeds=[run.seed for run in cohort.runs],
            step=step,
        )
        model.load_state_dict(state)
        part = evaluations.measure(model, step)
        part["training_loss"] = ("run", losses.numpy())
        part |= _measure_embedding(model, vocabularies[0], plan, keep=step in kept)
        parts.append(xr.Dataset(part))
        if (column + 1) % 20 == 0:
            logger.info("measured %d of %d checkpoints", column + 1, len(steps))
    return _assemble(parts, steps, kept, since, evaluations, vocabularies, plan)


def _model(cohort: CohortPlan, *, num_tokens: int) -> StackedBert:
    shape = layout(cohort.runs[0].task)
    sizes = {"num_tokens": num_tokens, "num_positions": shape.num_positions, "num_runs": len(cohort.runs)}
    return build_model(cohort.model, **sizes).eval()


def _spread(steps: Sequence[int], count: int) -> set[int]:
    """Return `count` of the steps, evenly spread by value, the last one included."""
    wanted = np.linspace(steps[-1] / count, steps[-1], count)
    return {steps[int(np.abs(np.asarray(steps) - value).argmin())] for value in wanted}


def _measure_embedding(
    model: StackedBert, vocabulary: xr.Dataset, plan: ProbePlan, *, keep: bool
) -> dict[str, tuple[object, ...]]:
    rows = model.word_embedding.weight.detach()
    sides = torch.from_numpy(vocabulary["contrast_side"].values)
    apart = separability(rows, sides, folds=plan.probing.probe_folds, penalty=plan.probing.probe_penalty)
    found: dict[str, tuple[object, ...]] = {"separability": (("run", "contrast"), apart.numpy())}
    if keep:
        coordinates_rvc, explained = principal_components(rows)
        found["embedding_coordinates"] = (("run", "token", "component"), coordinates_rvc.numpy())
        found["embedding_norm"] = (("run", "token"), rows.norm(dim=-1).numpy())
        found["explained_variance"] = (("run", "component"), explained.numpy())
    return found


def _assemble(
    parts: list[xr.Dataset],
    steps: list[int],
    kept: set[int],
    since: np.ndarray,
    evaluations: Evaluations,
    vocabularies: list[xr.Dataset],
    plan: ProbePlan,
) -> xr.Dataset:
    embedding = ["embedding_coordinates", "embedding_norm", "explained_variance"]
    every = xr.concat([part.drop_vars(embedding, errors="ignore") for part in parts], dim="step")
    some = xr.concat(
        [part[embedding] for step, part in zip(steps, parts, strict=True) if step in kept], dim="analysis_step"
    )
    dataset = xr.merge([every, some]).astype(np.float32)
    dataset = dataset.transpose("run", "step", "analysis_step", "evaluation", "metric", "layer", "probed", ...)
    dataset["steps_since_reset"] = (("run", "step"), since.astype(np.float32), {"units": "steps"})
    dataset = dataset.assign_coords(
        {
            "step": ("step", steps, {"units": "optimizer steps"}),
            "analysis_step": ("analysis_step", sorted(kept), {"units": "optimizer steps"}),
            "evaluation": np.array(evaluations.names, dtype=object),
            "metric": np.array(METRICS, dtype=object),
            "probed": np.array(PROBED, dtype=object),
            "contrast": vocabularies[0]["contrast"].values,
            "layer": np.arange(dataset.sizes["layer"]),
            "component": np.arange(1, dataset.sizes["component"] + 1),
            "token": vocabularies[0]["token"].values,
            "role": ("token", vocabularies[0]["role"].values),
            **coordinates(plan.cohort, vocabularies),
        }
    )
    for name, attrs in UNITS.items():
        dataset[name].attrs.update(attrs)
    return dataset


UNITS = {
    "score": {"units": "1 (loss: nats)", "long_name": "mean over the sequences of an evaluation set"},
    "training_loss": {"units": "nats", "long_name": "mean training loss since the checkpoint before"},
    "probe_accuracy": {"units": "1", "long_name": "linear probe of the query's role, cross-validated; chance 0.5"},
    "separability": {"units": "1", "long_name": "balanced accuracy of a linear classifier of rows; chance 0.5"},
    "embedding_coordinates": {"units": "embedding units", "long_name": "principal components of all rows"},
    "embedding_norm": {"units": "embedding units", "long_name": "Euclidean norm of a row"},
    "explained_variance": {"units": "1", "long_name": "share of the variance of all rows"},
}
