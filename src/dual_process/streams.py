"""Random numbers that are pure functions of a seed, the name of their purpose, and an index.

Counter-based (Philox): nothing has to be saved to go on after a kill, and two schedules with the same seed see the
same data, the same initial weights and, at the same step, the same reset.
"""

from zlib import crc32

import numpy as np


def seed_sequence(seed: int, purpose: str, *index: int) -> np.random.SeedSequence:
    """Entropy for one purpose of one run, such as ``(3, "data", 12)``."""
    return np.random.SeedSequence(seed, spawn_key=(crc32(purpose.encode()), *index))


def stream(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """Return the NumPy generator of one purpose.

    Parameters
    ----------
    seed
        Seed of the run.
    purpose
        One of the named streams: ambiguity, data, initial weights, reset, dropout, evaluation; for language models also
        masking, sentences, new rows, repeats, syllogisms.
    index
        Counters within the purpose, such as a step.
    """
    return np.random.Generator(np.random.Philox(seed_sequence(seed, purpose, *index)))


def integer_seed(seed: int, purpose: str, *index: int) -> int:
    """Return a 63-bit seed of the same stream, for generators that are not NumPy's."""
    return int(seed_sequence(seed, purpose, *index).generate_state(1, np.uint64)[0] >> 1)
