"""How strong something unseen would have to be to explain an adjusted estimate away."""

from dataclasses import dataclass

from setpoint.domain.measured import Refused


@dataclass(frozen=True, slots=True)
class EValue:
    """E-values of an estimate and of its bound nearest to no effect (1 when the interval holds no effect)."""

    estimate: float
    bound: float


def robustness_value(t: float, dof: float, q: float = 1.0, alpha: float | None = None) -> float:
    """Return the share of residual variance that an unseen cause must explain, of treatment and outcome both."""
    raise NotImplementedError


def e_value(rate_1: float, rate_2: float, low: float, high: float) -> EValue | Refused:
    """Return the risk ratio that an unseen cause must have with arm and outcome; low, high bound rate_1 - rate_2."""
    raise NotImplementedError
