"""Time to a booking when some leads are still pending (censored) and others were lost (a competing event).

A pending lead counts for as long as it was followed: it is neither dropped nor a failure. A lost lead can no longer
book, so its loss is not censoring; whoever takes it for that overstates the bookings to come.

Everything is computed from the distinct times with the number of leads at each, so half a million leads cost what
sorting them costs. The library that has the estimates gives no errors for leads counted by weights; the tests hold
this module against it.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, norm

from setpoint.domain.measured import Measured, Refused

CENSORED, BOOKED, LOST = 0, 1, 2

_HAIR = 1e-12  # What rounding leaves of nothing.

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int_]


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """How long each lead was followed, in days, and what ended it: CENSORED, BOOKED or LOST.

    `weights` counts leads that share a row; without it each row is one lead. Raises ValueError for columns of
    different lengths, days that are negative or not finite, unknown events and negative weights.
    """

    days: Floats
    event: Ints
    weights: Ints | None = None

    def __post_init__(self) -> None:
        weights = self.weights if self.weights is not None else np.ones(len(self.days), dtype=np.int_)
        if not len(self.days) == len(self.event) == len(weights):
            raise ValueError("days, events and weights differ in length")
        if not (np.isfinite(self.days) & (self.days >= 0)).all():
            raise ValueError("a number of days is finite and not negative")
        if not np.isin(self.event, (CENSORED, BOOKED, LOST)).all():
            raise ValueError("an event is CENSORED, BOOKED or LOST")
        if (weights < 0).any():
            raise ValueError("a weight counts leads and is not negative")


@dataclass(frozen=True, slots=True, eq=False)
class Incidence:
    """The share of leads with an event by each of `times` (days, increasing), with its pointwise band.

    The curve is a step function: `value[i]` holds from `times[i]` until before the next one. `times` are day 0
    and all at which a lead had an event or was last seen; `at_risk` counts the leads still followed just before each.
    `until` is the last day of which anything is known: infinite when the last leads followed all had an event.
    """

    times: Floats
    value: Floats
    low: Floats
    high: Floats
    at_risk: Ints
    leads: int
    until: float
    confidence: float

    def at(self, day: float) -> Measured | Refused:
        """Return the share with the event by this day; refused when no lead was followed for so long.

        Raises ValueError for a negative day.
        """
        if not day >= 0:
            raise ValueError(f"{day} is not a day to look at")
        if day > self.until:
            return Refused(f"No lead has been followed for {day:g} days yet.")
        step = int(np.searchsorted(self.times, day, side="right")) - 1
        return Measured(float(self.value[step]), float(self.low[step]), float(self.high[step]), self.confidence)


@dataclass(frozen=True, slots=True)
class LogRank:
    """A test of whether two groups book at the same pace, on one degree of freedom."""

    chi2: float
    p_value: float


def cumulative_incidence(durations: Durations, confidence: float = 0.95, cause: int = BOOKED) -> Incidence | Refused:
    """Estimate the share of leads with the event `cause` by each day; other events compete with it.

    The estimate is that of Aalen and Johansen, which is 1 minus that of Kaplan and Meier where nothing competes. Its
    variance is Gaynor's delta method; the band is on the scale log(-log(share)) and so stays between 0 and 1. As
    long as nobody had the event, the upper end is the exact binomial one of the leads still followed; where
    everybody had it, the lower end is.
    Source: Gaynor et al., Journal of the American Statistical Association 88:400 (1993); the band: Choudhury,
    Statistics in Medicine 21:1129 (2002).
    """
    _check_confidence(confidence)
    life = _life(durations, cause)
    if life is None:
        return Refused("There are no leads to follow.")
    share = life.incidence
    before = life.before
    n, d, d1 = life.at_risk, life.ended, life.events
    variance = share**2 * np.cumsum(life.greenwood) - 2 * share * np.cumsum(share * life.greenwood)
    variance += np.cumsum(share**2 * life.greenwood) + np.cumsum(before**2 * d1 * (n - d1) / n**3)
    variance -= 2 * share * np.cumsum(before * d1 / n**2) - 2 * np.cumsum(share * before * d1 / n**2)
    error = np.sqrt(np.maximum(variance, 0))

    low, high = np.zeros_like(share), np.ones_like(share)
    inside = (share > 0) & (share < 1) & (error > 0)
    logs = np.log(share[inside])
    reach = np.exp(float(norm.isf((1 - confidence) / 2)) * error[inside] / (share[inside] * -logs))
    low[inside], high[inside] = np.exp(logs * reach), np.exp(logs / reach)
    none, every = share == 0, (share > 0) & ~inside
    high[none] = _unseen(np.maximum(n[none] - d[none], 1), confidence)
    low[every] = 1 - _unseen(n[:1], confidence)
    return Incidence(life.times, share, low, high, n.astype(np.int_), life.leads, life.until, confidence)


def log_rank(a: Durations, b: Durations, cause: int = BOOKED) -> LogRank | Refused:
    """Test whether two groups have the event `cause` at the same pace among those still open to it.

    A competing event ends the following of a lead like censoring, so the test is about the pace (the
    cause-specific hazard), and not about the share in the end.
    Source: Mantel, Cancer Chemotherapy Reports 50:163 (1966).
    """
    lives = _life(a, cause), _life(b, cause)
    if lives[0] is None or lives[1] is None:
        return Refused("One of the two sides is empty: there is nothing to compare.")
    times = np.union1d(*(life.times[life.events > 0] for life in lives if life))
    n_a, n_b = (life.at_risk_at(times) for life in lives if life)
    d_a, d_b = (life.events_at(times) for life in lives if life)
    n, d = n_a + n_b, d_a + d_b
    expected = d * n_a / n
    variance = float((expected * n_b / n * (n - d) / np.maximum(n - 1, 1)).sum())
    if variance <= 0:
        return Refused("At no time were both sides followed while some had the event and others not.")
    statistic = float((d_a - expected).sum()) ** 2 / variance
    return LogRank(statistic, float(chi2.sf(statistic, 1)))


def restricted_mean(durations: Durations, tau: float, confidence: float = 0.95) -> Measured | Refused:
    """Estimate the mean number of days without a booking among the first `tau`.

    A lead that is lost has no booking until `tau`. Without lost leads it is the restricted mean survival time; with
    them it is `tau` less the mean time lost to the event. The variance is the delta method over the hazards. The
    interval is on the scale log(-log) of the part of `tau` that is lost: few bookings make the mean skewed.
    Refused when not a single lead was followed for so long, when nobody booked before, and when all ended alike.
    Raises ValueError for a `tau` that is not positive.
    Source: Andersen, Statistics in Medicine 32:5278 (2013).
    """
    _check_confidence(confidence)
    found = _mean_and_error(durations, tau)
    if isinstance(found, Refused):
        return found
    value, error = found
    lost = 1 - value / tau
    reach = math.exp(float(norm.isf((1 - confidence) / 2)) * error / tau / (lost * -math.log(lost)))
    return Measured(value, tau - tau * lost ** (1 / reach), tau - tau * lost**reach, confidence)


def restricted_mean_difference(
    a: Durations, b: Durations, tau: float, confidence: float = 0.95
) -> Measured | Refused:
    """Estimate how many more of the first `tau` days the first group goes without a booking than the second.

    A negative number says that the first group books earlier, or more. Refused where either mean is. The interval
    is put together from those of the two means, as Newcombe's is from two rates.
    Source: Zou and Donner, Statistics in Medicine 27:1693 (2008).
    """
    first, second = restricted_mean(a, tau, confidence), restricted_mean(b, tau, confidence)
    if isinstance(first, Refused):
        return first
    if isinstance(second, Refused):
        return second
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Measured(value, value - below, value + above, confidence)


@dataclass(frozen=True, slots=True, eq=False)
class _Life:
    """Leads by distinct time: how many were followed until then, and what happened to how many."""

    times: Floats
    at_risk: Floats
    events: Floats
    ended: Floats
    before: Floats
    incidence: Floats

    @property
    def leads(self) -> int:
        return int(self.at_risk[0])

    @property
    def until(self) -> float:
        return math.inf if self.ended[-1] == self.at_risk[-1] else float(self.times[-1])

    @property
    def greenwood(self) -> Floats:
        """The terms of Greenwood's sum; when everybody ended, nothing comes after and the term has no use."""
        left = self.at_risk - self.ended
        return np.divide(self.ended, self.at_risk * left, out=np.zeros_like(left), where=left > 0)

    def at_risk_at(self, times: Floats) -> Floats:
        return np.append(self.at_risk, 0.0)[np.searchsorted(self.times, times)]

    def events_at(self, times: Floats) -> Floats:
        place = np.minimum(np.searchsorted(self.times, times), len(self.times) - 1)
        return np.where(self.times[place] == times, self.events[place], 0.0)


def _life(durations: Durations, cause: int) -> _Life | None:
    if cause not in (BOOKED, LOST):
        raise ValueError("the cause is BOOKED or LOST")
    weights = np.ones(len(durations.days)) if durations.weights is None else durations.weights.astype(np.float64)
    counted = weights > 0
    if not counted.any():
        return None
    # Every curve begins on day 0, with a row that counts nobody.
    times, place = np.unique(np.append(durations.days[counted], 0.0), return_inverse=True)
    event, weights = np.append(durations.event[counted], CENSORED), np.append(weights[counted], 0.0)

    def at_each_time(rows: Floats) -> Floats:
        return np.bincount(place, rows, len(times)).astype(np.float64)

    at_risk = np.cumsum(at_each_time(weights)[::-1])[::-1]
    events = at_each_time(weights * (event == cause))
    ended = at_each_time(weights * (event != CENSORED))
    before = np.concatenate([[1.0], np.cumprod(1 - ended / at_risk)[:-1]])
    # Shares of whole leads add up to a hair more or less than 1, and a hair below it has no logarithm to speak of.
    incidence = np.cumsum(before * events / at_risk)
    incidence[incidence > 1 - _HAIR] = 1.0
    return _Life(times, at_risk, events, ended, before, incidence)


def _mean_and_error(durations: Durations, tau: float) -> tuple[float, float] | Refused:
    if not 0 < tau < math.inf:
        raise ValueError(f"{tau} is not a number of days to look ahead")
    life = _life(durations, BOOKED)
    if life is None:
        return Refused("There are no leads to follow.")
    if tau > life.until:
        return Refused(f"No lead has been followed for {tau:g} days yet.")
    seen = life.times < tau
    times, share = life.times[seen], life.incidence[seen]
    if not share.size or share[-1] == 0:
        return Refused(f"Nobody booked within {tau:g} days: there is no mean to give an interval.")
    lengths = np.diff(np.append(times, tau))
    lost = share * lengths
    # What is still to be lost after each time, beyond the share that it has then.
    ahead = np.cumsum(lost[::-1])[::-1] - share * (tau - times)
    n, d1, weight = life.at_risk[seen], life.events[seen], (tau - times) * life.before[seen]
    variance = (
        weight**2 * d1 * (n - d1) / n**3 - 2 * weight * ahead * d1 / n**2 + ahead**2 * life.greenwood[seen]
    ).sum()
    # All on one day, or all at once: rounding leaves a hair of variance.
    if variance <= _HAIR * tau**2:
        return Refused("All leads ended alike: there is nothing to take an error from.")
    return tau - float(lost.sum()), math.sqrt(float(variance))


def _unseen(leads: Floats, confidence: float) -> Floats:
    """Return the highest share of which so many leads may still show nothing: the exact binomial bound."""
    return np.asarray(1 - ((1 - confidence) / 2) ** (1 / leads))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is not a confidence between 0 and 1")
