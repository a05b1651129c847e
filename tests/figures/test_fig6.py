"""Figure 6 on planted geometry."""

import numpy as np
import pytest
import xarray as xr

from dual_process.figures import fig6
from tests.builders import grid, probe_dataset, rising
from tests.mechanism_data import keeps_promises, panels, with_geometry, words

NORMS = {"noun": 1.0, "adjective": 2.0, "unseen": 4.0}


def make(scale: float = 1.0, **names: list) -> xr.Dataset:
    names = {"schedule": ["vanilla", "active-200", "temporary-50-400"], **names}
    dataset = probe_dataset(
        grid(**names),
        steps=[0, 50, 200, 600, 1000],
        separability=lambda row, x, contrast: 0.5 + rising(x, end=0.4),
    )
    return with_geometry(
        dataset,
        centroid=lambda row, x, contrast: 0.5 + rising(x, end=0.3),
        norm=lambda row, role: NORMS.get(role, 9.0) * (scale if row["kind"] == "active" else 1) + row["seed"],
    )


def test_numbers_are_means_by_role_and_accuracies_by_contrast() -> None:
    numbers = fig6.numbers(make(seed=[0, 1]))
    means = numbers[numbers["seed"] == 0].groupby(["quantity", "subject"])["value"].max().round(6).to_dict()
    assert means == {
        **{("norm", role): norm for role, norm in NORMS.items()},
        **{("drift", "noun"): 0.5, ("drift", "adjective"): 1.0},
        **{("separability", contrast): 0.9 for contrast in ("noun_adjective", "seen_unseen")},
        **{("centroid", contrast): 0.8 for contrast in ("noun_adjective", "seen_unseen")},
    }
    assert set(numbers.loc[numbers["quantity"] == "norm", "step"]) == {0, 1000}


def test_each_distribution_has_two_rows_and_missing_drift_is_said() -> None:
    figure = keeps_promises(fig6, make(distribution=["uniform", "zipf-1.5"], seed=[0, 1]))
    assert len(figure.axes) == 4 * 5
    silent = [index for index, axes in enumerate(figure.axes) if "not measured" in {t.get_text() for t in axes.texts}]
    assert silent == [7, 17]
    titles = [axes.get_title() for axes in figure.axes[:5]]
    assert titles == ["nouns", "adjectives", "unseen", "noun | adjective", "trained | unseen"]
    assert {"vanilla", "active, every 200 steps", "temporary, every 50 steps until 400"} <= words(figure)
    assert "lines: mean over 2 seeds; bands: minimum to maximum" in words(figure)


@pytest.mark.parametrize(("scale", "axis"), [(1.0, "linear"), (40.0, "log")])
def test_lengths_are_logarithmic_only_over_a_wide_range(scale: float, axis: str) -> None:
    figure = keeps_promises(fig6, make(scale, protocol=["corrected", "reference"]), again=scale > 1)
    assert {axes.get_yscale() for axes in figure.axes[:3]} == {axis}
    assert {axes.get_yscale() for axes in figure.axes[3:5]} == {"linear"}
    assert len({axes.get_ylim() for axes in figure.axes[:3]}) == 1


def test_accuracies_below_chance_stay_within_the_panel() -> None:
    dataset = make()
    dataset["centroid_accuracy"] = dataset["centroid_accuracy"] - 0.3
    figure = fig6.draw(fig6.numbers(dataset))
    assert [axes.get_ylim()[0] for axes in (*figure.axes[3:5], *figure.axes[8:10])] == pytest.approx([0.18] * 4)


def test_what_is_left_out_is_said() -> None:
    figure = fig6.draw(fig6.numbers(make(task=["pos", "large"])))
    assert figure.get_suptitle() == "task large (first of 2 settings)"
    assert len(panels(figure)) == 10


def test_nothing_measured_is_a_clear_error() -> None:
    dataset = make()
    empty = dataset.assign({name: dataset[name] * np.nan for name in fig6.VARIABLES})
    with pytest.raises(ValueError, match="no run has norms or separability"):
        fig6.numbers(empty)
