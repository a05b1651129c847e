"""Attention heads on planted attention and ablation."""

import numpy as np
import pytest
import xarray as xr

from dual_process.figures import heads
from tests.builders import grid, probe_dataset
from tests.mechanism_data import PARTS, keeps_promises, panels, with_heads, words


def reading(row: dict, x: np.ndarray, layer: int, head: int, probe_set: str, part: str) -> float:
    strong = layer == 1 and head == 0 and row["kind"] == "active" and probe_set == "unseen"
    return (0.75 if part == "after_copula" else 0.05) if strong else 1 / len(PARTS)


def effect(row: dict, x: np.ndarray, layer: int, head: int, probe_set: str) -> float:
    return -0.4 + 0.05 * row["seed"] if layer == 1 and head == 0 and row["kind"] == "active" else 0.01 * head


def make(num_heads: int = 1, **names: list) -> xr.Dataset:
    names = {"schedule": ["vanilla", "active-200"], "seed": [0, 1], **names}
    dataset = probe_dataset(grid(**names), steps=[0, 50, 500, 1000])
    return with_heads(dataset, reading=reading, effect=effect, num_heads=num_heads)


def test_rows_are_heads_then_probe_sets_and_columns_schedules() -> None:
    figure = keeps_promises(heads, make(), again=True)
    labels = [axes.get_ylabel() for axes in figure.axes[::2]]
    assert labels == [
        *("layer 0,\nhead 0\nweight", "layer 1,\nhead 0\nweight"),
        *("validation\nchange", "head switch\nchange", "unseen\nchange"),
    ]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["vanilla", "active\nevery 200 steps"]
    assert [axes.get_xlabel() for axes in figure.axes[-4:]] == ["", "", "training step", "training step"]
    ends = {line.get_color(): line.get_ydata()[-1] for line in figure.axes[3].lines}
    colours = heads._part_colours(heads.numbers(make()))
    assert ends == pytest.approx({colour: 0.75 if part == "after_copula" else 0.05 for part, colour in colours.items()})
    assert {*heads.PART_LABELS.values(), "layer 1, head 0"} <= words(figure)
    assert "attention at the first target, unseen:" in words(figure)


def test_ablation_is_the_mean_over_seeds() -> None:
    figure = heads.draw(heads.numbers(make()))
    lines = [line for line in figure.axes[9].lines if len(line.get_xdata()) == 2]
    assert min(line.get_ydata()[-1] for line in lines) == pytest.approx(-0.375)


def test_numbers_hold_every_head_probe_set_and_part() -> None:
    numbers = heads.numbers(make(num_heads=2))
    sizes = numbers.groupby("quantity").size().to_dict()
    assert sizes == {"ablation": 4 * 2 * 2 * 2 * 3, "reading": 4 * 2 * 2 * 2 * 3 * len(PARTS)}


def test_of_many_heads_those_with_effect_are_drawn_and_it_is_said() -> None:
    figure = heads.draw(heads.numbers(make(num_heads=6)))
    assert figure.get_suptitle().endswith("; 8 of 12 heads, by effect")
    drawn = {axes.get_ylabel().replace("\n", " ") for axes in figure.axes if axes.get_ylabel().endswith("weight")}
    assert len(drawn) == 8
    assert {"layer 1, head 0 weight", "layer 0, head 5 weight"} <= drawn
    assert "layer 0, head 0 weight" not in drawn


def test_a_block_each_distribution_with_its_own_runs() -> None:
    dataset = make(distribution=["zipf-1.5", "uniform", "zipf-1.2"], schedule=["active-200"])
    weaker = {"uniform": 1.0, "zipf-1.2": 0.5, "zipf-1.5": 0.1}
    factor = xr.DataArray([weaker[name] for name in dataset["distribution"].values], dims="run")
    dataset["ablation_effect"] = dataset["ablation_effect"] * factor
    figure = keeps_promises(heads, dataset, again=True)
    alpha = "Zipf \N{GREEK SMALL LETTER ALPHA} ="
    assert [block.get_suptitle() for block in figure.subfigs] == ["uniform", f"{alpha} 1.2", f"{alpha} 1.5"]
    assert figure.get_suptitle() == ""
    lowest = [min(line.get_ydata()[-1] for line in block.axes[-1].lines) for block in figure.subfigs]
    assert lowest == pytest.approx([-0.375 * factor for factor in weaker.values()], rel=1e-4)


def test_with_several_distributions_fewer_heads_are_drawn() -> None:
    figure = heads.draw(heads.numbers(make(num_heads=6, distribution=["zipf-1.5", "uniform", "zipf-1.2"], seed=[0])))
    assert figure.get_suptitle() == "3 of 12 heads, by effect"


@pytest.mark.slow
def test_many_schedules_go_on_below_with_protocols_by_dashes() -> None:
    schedules = ["vanilla", "active-200", *(f"temporary-50-{end}" for end in range(100, 700, 100))]
    figure = keeps_promises(heads, make(schedule=schedules, protocol=["corrected", "reference"], seed=[0]))
    titles = [axes.get_title() for axes in panels(figure) if axes.get_title()]
    assert len(titles) == len(set(titles)) == len(schedules)
    assert {"protocol corrected", "protocol reference"} <= words(figure)


def test_missing_parts_are_said_and_nothing_at_all_is_a_clear_error() -> None:
    dataset = make(distribution=["zipf-1.5", "zipf-1.2"])
    dataset["ablation_effect"] = dataset["ablation_effect"].where(dataset["probe_set"] != "switch")
    dataset["attention_reading"] = dataset["attention_reading"].where(dataset["kind"] != "vanilla")
    figure = keeps_promises(heads, dataset)
    assert figure.get_suptitle() == ""
    assert "head switch\nchange" not in words(figure)
    assert [text.get_text() for text in figure.axes[0].texts] == ["not measured"]
    blank = dataset.assign({name: dataset[name] * np.nan for name in ("attention_reading", "ablation_effect")})
    with pytest.raises(ValueError, match="no run has its attention heads measured"):
        heads.numbers(blank)
