"""Statistics of push-down: how the layer that holds a piece of information moves over training.

Pure functions of the accuracy of a probe at every step and layer (paper, heatmaps of the appendix). Step and layer are
positions here; the callers know what they stand for.
"""

import numpy as np

FEWEST_STEPS = 3
"""With fewer checkpoints nothing can be said about a course over training, and such statistics are NaN."""


def best_layer(accuracy: np.ndarray) -> np.ndarray:
    """Layer of the highest accuracy at every step; the lowest of equal ones.

    Parameters
    ----------
    accuracy
        Shape (step, layer).
    """
    return np.asarray(accuracy.argmax(1))


def layer_of_share(accuracy: np.ndarray, share: float = 0.95) -> np.ndarray:
    """First layer at every step whose accuracy reaches a share of the highest one.

    Parameters
    ----------
    accuracy
        Shape (step, layer).
    share
        Of the highest accuracy of the step.
    """
    return np.asarray((accuracy >= share * accuracy.max(1, keepdims=True)).argmax(1))


def triangle_difference(accuracy: np.ndarray) -> float:
    """Mean of the upper triangle of the heatmap minus that of the lower one.

    The heatmap has steps from left to right and layers from bottom to top, and is cut along the diagonal from its upper
    left to its lower right corner. Information that is readable in high layers first and in low ones late fills the
    upper triangle and leaves the lower one empty. Steps count by their number, as columns of the heatmap; cells on the
    diagonal count in neither. Accuracy that merely grows, at all layers alike, is above 0 here, too: a falling best
    layer is what tells push-down from that.

    Parameters
    ----------
    accuracy
        Shape (step, layer).

    Returns
    -------
    float
        NaN with fewer than `FEWEST_STEPS` steps.
    """
    if len(accuracy) < FEWEST_STEPS:
        return float("nan")
    steps, layers = accuracy.shape
    # whole numbers, so that cells on the diagonal are told exactly
    height = np.arange(steps)[:, None] * (layers - 1) + np.arange(layers) * (steps - 1)
    diagonal = (steps - 1) * (layers - 1)
    return float(accuracy[height > diagonal].mean() - accuracy[height < diagonal].mean())


def knee_steps(accuracy: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Step of the knee of every layer's curve: where it lies highest above its chord.

    With step and accuracy both scaled to 0..1, the knee is the maximum of their difference: the point that the Kneedle
    algorithm (the package ``kneed``) finds where this difference has one peak. Where it has several, as noisy curves
    do, ``kneed`` takes an early one and may find none; the highest one is steadier.

    Parameters
    ----------
    accuracy
        Shape (step, layer).
    steps
        Optimizer step of each row, increasing.

    Returns
    -------
    numpy.ndarray
        Shape (layer,); NaN where the curve is flat, and with fewer than `FEWEST_STEPS` steps.
    """
    span = accuracy.max(0) - accuracy.min(0)
    known = (span > 0) & (len(accuracy) >= FEWEST_STEPS)
    time = (steps - steps[0]) / max(steps[-1] - steps[0], 1)
    height = (accuracy - accuracy.min(0)) / np.where(span > 0, span, 1) - time[:, None]
    return np.where(known, steps[height.argmax(0)], np.nan)


def push_down_score(knees: np.ndarray) -> float:
    """Sum of the differences of the knee along layers, each layer minus the one above it.

    The sum is the knee of the lowest layer minus that of the highest one, in steps: above 0 where low layers learn
    later.

    Parameters
    ----------
    knees
        Shape (layer,), as `knee_steps` gives them; layers without a knee are passed over.
    """
    found = knees[~np.isnan(knees)]
    return float((found[:-1] - found[1:]).sum()) if len(found) > 1 else float("nan")
