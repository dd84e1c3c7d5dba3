"""How strong something unseen would have to be to explain an adjusted estimate away."""

import math
from dataclasses import dataclass

from scipy.stats import t as student

from setpoint.domain.measured import Refused


@dataclass(frozen=True, slots=True)
class EValue:
    """E-values of an estimate and of its bound nearest to no effect; 1 where nothing unseen is needed."""

    estimate: float
    bound: float


def robustness_value(t: float, dof: float, q: float = 1.0, alpha: float | None = None) -> float:
    """Return the share of residual variance that an unseen cause must explain, of treatment and outcome alike.

    A cause that explains less of both cannot take the share `q` off an estimate with this t value and `dof` degrees
    of freedom. With `alpha`, it cannot even make the estimate no longer significant at that two-sided level; 0
    says that it is not significant as it is. `dof` may be the number of leads where there are many.
    Raises ValueError for what is no statistic.
    Source: Cinelli and Hazlett, Journal of the Royal Statistical Society B 82:39 (2020), sections 4.2 and 4.3.
    """
    if not math.isfinite(t):
        raise ValueError(f"{t} is not a t value")
    if not dof > 1:
        raise ValueError(f"{dof} degrees of freedom are too few")
    if not q > 0:
        raise ValueError(f"{q} is not a share of the estimate")
    if alpha is not None and not 0 < alpha < 1:
        raise ValueError(f"{alpha} is not a level between 0 and 1")
    size = q * abs(t) / math.sqrt(dof)
    if alpha is None:
        return _both(size)
    critical = float(student.isf(alpha / 2, dof - 1)) / math.sqrt(dof - 1)
    if size <= critical:
        return 0.0
    if size >= 1 / critical:
        # So strong an estimate falls to a cause of the outcome alone, before one of both does.
        return (size**2 - critical**2) / (1 + size**2)
    return _both(size - critical)


def e_value(rate_1: float, rate_2: float, low: float, high: float) -> EValue | Refused:
    """Return the risk ratio that an unseen cause must have with both arm and outcome, to explain a difference away.

    `low` and `high` bound the difference rate_1 - rate_2. The bound nearest to no effect becomes a ratio by
    holding the lower of the two rates. Refused when one of the rates is 0 or less, as then there is no ratio.
    Raises ValueError for bounds that do not hold the difference.
    Source: VanderWeele and Ding, Annals of Internal Medicine 167:268 (2017).
    """
    value = rate_1 - rate_2
    if not low - 1e-9 <= value <= high + 1e-9:
        raise ValueError(f"a difference of {value} does not lie between {low} and {high}")
    base, rate = sorted((rate_1, rate_2))
    if base <= 0:
        return Refused("One of the two rates is zero: there is no ratio of them.")
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return EValue(e_value_of_ratio(rate / base), e_value_of_ratio((base + nearest) / base))


def e_value_of_ratio(ratio: float) -> float:
    """Return the E-value of a risk ratio: 1 for a ratio of 1, and the same for a ratio as for its inverse.

    Raises ValueError for what is no ratio. Source: as for `e_value`.
    """
    if not 0 < ratio < math.inf:
        raise ValueError(f"{ratio} is not a ratio of rates")
    above = max(ratio, 1 / ratio)
    return above + math.sqrt(above * (above - 1))


def _both(size: float) -> float:
    """Return the R2 with treatment and outcome, when it is the same of both, that makes up for Cohen's f `size`."""
    return (math.sqrt(size**4 + 4 * size**2) - size**2) / 2
