"""Many tests at once: how many of those that are named may be false."""

from collections.abc import Sequence

from scipy.stats import false_discovery_control


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return each test's q-value: the smallest false discovery rate at which it would still be named.

    The tests may depend on each other positively; naming those with q <= 0.05 keeps the expected share of false
    ones at 5%. Raises ValueError for what is no p-value.
    Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B 57:289 (1995).
    """
    if not len(p_values):
        return []
    # SciPy refuses what is outside 0 to 1, but lets NaN pass.
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("a p-value lies between 0 and 1")
    return [float(q) for q in false_discovery_control(p_values, method="bh")]
