"""The costly analyses by name.

A new analysis is a module of its own, its name in ``blocks/probing.py`` and an entry here.
"""

from dual_process.probing import ablation, attention, embedding, rank_frequency
from dual_process.probing.subject import Analysis

ANALYSES = {
    "embedding": Analysis(embedding.measure_embedding, embedding.EMBEDDING_ATTRS),
    "attention": Analysis(attention.measure_attention, attention.ATTRS),
    "ablation": Analysis(ablation.measure_ablation, ablation.ATTRS),
    "rank_frequency": Analysis(rank_frequency.measure_rank_frequency, rank_frequency.ATTRS, last_only=True),
}
