"""Binary logistic regression with an L2 penalty, for several problems on the same examples at once.

Newton's method, which is exact and takes some ten steps: the penalty makes the problem strictly convex. It builds a
matrix of features by features, so it is meant for up to some 1000 of them. The minimised loss is scikit-learn's, with
``C`` the inverse of the penalty; the intercept bears no penalty.
Shape letters: P problem, N example, D feature.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

MOST_STEPS = 100
TOLERANCE = 1e-6
"""Largest element of the gradient, for each unit of example weight, at which a fit ends."""


@dataclass(frozen=True)
class Logistic:
    """Fitted probes.

    Parameters
    ----------
    weight_pd
        Shape (P, D), for features as they come, standardised or not.
    intercept_p
        Shape (P,); 0 if none was fitted.
    """

    weight_pd: Tensor
    intercept_p: Tensor

    def scores(self, features_pnd: Tensor) -> Tensor:
        """Logits of the class True, shape (P, N)."""
        weight = self.weight_pd.to(features_pnd)[..., None]
        return (features_pnd @ weight)[..., 0] + self.intercept_p.to(features_pnd)[:, None]


def fit_logistic(
    features_pnd: Tensor,
    labels_n: Tensor,
    *,
    penalty: float,
    balanced: bool,
    intercept: bool,
    standardise: bool,
) -> Logistic:
    """Fit a probe for each problem.

    Parameters
    ----------
    features_pnd
        Examples, shape (P, N, D).
    labels_n
        Boolean class of each example, shape (N,), both present.
    penalty
        Half of it times the squared weights is added to the summed loss.
    balanced
        Weight the examples so that both classes count the same and the mean weight is 1.
    intercept
        Fit an intercept.
    standardise
        Bring every feature to mean 0 and standard deviation 1 first, so that the penalty means the same for all; the
        weights returned are for features as they came.
    """
    if bool(labels_n.all()) or not bool(labels_n.any()):
        raise ValueError("a probe wants examples of both classes; raise language.probing.train_words")
    fits = [
        _fit(features_nd.double(), labels_n, penalty, (balanced, intercept, standardise))
        for features_nd in features_pnd
    ]
    return Logistic(torch.stack([weight for weight, _ in fits]), torch.stack([constant for _, constant in fits]))


def _fit(x_nd: Tensor, labels_n: Tensor, penalty: float, options: tuple[bool, bool, bool]) -> tuple[Tensor, Tensor]:
    """Weight (D,) and intercept (,) of one problem."""
    balanced, intercept, standardise = options
    mean_d, scale_d = x_nd.new_zeros(x_nd.shape[1]), x_nd.new_ones(x_nd.shape[1])
    if standardise:
        mean_d, scale_d = x_nd.mean(0), x_nd.std(0, correction=0)
        scale_d = torch.where(scale_d > 0, scale_d, 1.0)  # a constant feature says nothing and gets no weight
    x_nd = (x_nd - mean_d) / scale_d
    penalty_d = torch.full_like(mean_d, penalty)
    if intercept:
        x_nd = torch.cat([x_nd, x_nd.new_ones(len(x_nd), 1)], 1)
        penalty_d = torch.cat([penalty_d, penalty_d.new_zeros(1)])
    share_n = class_weights(labels_n) if balanced else torch.ones_like(labels_n, dtype=torch.double)
    weight_d = _newton(x_nd, labels_n.double() * 2 - 1, share_n, penalty_d)
    constant = weight_d[-1] if intercept else weight_d.new_zeros(())
    weight_d = weight_d[: len(mean_d)] / scale_d
    return weight_d, constant - weight_d @ mean_d


def _newton(x_nd: Tensor, sign_n: Tensor, share_n: Tensor, penalty_d: Tensor) -> Tensor:
    """Minimise the sum of share * log(1 + exp(-sign * x w)) + penalty / 2 * w**2, with the step halved as needed."""

    def loss(score_n: Tensor, weight_d: Tensor) -> Tensor:
        losses_n = torch.nn.functional.softplus(-sign_n * score_n)
        return share_n @ losses_n + 0.5 * penalty_d @ weight_d.square()

    weight_d = torch.zeros_like(penalty_d)
    score_n = x_nd @ weight_d
    value = loss(score_n, weight_d)
    for _ in range(MOST_STEPS):
        chance_n = torch.sigmoid(-sign_n * score_n)
        gradient_d = penalty_d * weight_d - x_nd.T @ (share_n * sign_n * chance_n)
        if gradient_d.abs().max() <= TOLERANCE * share_n.sum():
            return weight_d
        root_n = (share_n * chance_n * (1 - chance_n)).sqrt()
        curved_nd = x_nd * root_n[:, None]
        hessian_dd = curved_nd.T @ curved_nd + torch.diag(penalty_d)
        # an intercept alone, without penalty, may have no curvature left; a hair of it keeps the matrix regular
        hessian_dd.diagonal().add_(1e-10 * hessian_dd.diagonal().max())
        step_d = torch.linalg.solve(hessian_dd, gradient_d)
        slope, length = gradient_d @ step_d, 1.0
        while length > 1e-10:
            tried_d = weight_d - length * step_d
            tried_n = x_nd @ tried_d
            new = loss(tried_n, tried_d)
            if new <= value - 1e-4 * length * slope:
                break
            length /= 2
        else:  # no step lowers the loss: as near as doubles come
            return weight_d
        weight_d, score_n, value = tried_d, tried_n, new
    raise RuntimeError(f"a logistic probe did not converge in {MOST_STEPS} steps of Newton's method")


def class_weights(labels_n: Tensor) -> Tensor:
    """Weights that make both classes count the same: n / (2 n_class) for each example; 0 / 0 cannot occur."""
    positive = labels_n.double().mean()
    return torch.where(labels_n, 0.5 / positive, 0.5 / (1 - positive))


def accuracy(scores_pn: Tensor, labels_n: Tensor, *, threshold: float, balanced: bool) -> Tensor:
    """Share of examples on the right side of the threshold, shape (P,).

    Parameters
    ----------
    scores_pn
        Logits of the class True, shape (P, N).
    labels_n
        Boolean class, shape (N,).
    threshold
        Logits above it mean True.
    balanced
        Mean of the shares of both classes, so that a probe that knows nothing is at 0.5; if one class is absent, the
        share of the other.
    """
    right_pn = ((scores_pn > threshold) == labels_n).double()
    if not balanced:
        return right_pn.mean(1)
    classes = [right_pn[:, labels_n == value] for value in (False, True)]
    return torch.stack([each.mean(1) for each in classes if each.shape[1]]).mean(0)
