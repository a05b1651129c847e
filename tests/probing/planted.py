"""Models with weights set by hand, whose heads do known things."""

import numpy as np
import torch

from dual_process.models.bert import BertConfig, StackedBert

NOUNS, ADJECTIVES, COPULA, NUM_TOKENS = range(10), range(10, 20), 20, 24
READERS = (1, 0)
"""Head of layer 1 that reads the adjective, in each of both planted runs."""
TOKEN, POSITION, IS_COPULA, AFTER_COPULA, COPIED = slice(0, 24), slice(24, 31), 31, 32, slice(33, 57)
"""Parts of the residual stream of the planted models."""


def reading_stack() -> StackedBert:
    """Two models with weights set by hand that answer the token after the copula; without it, always the noun.

    Layer 0: head 0 looks one position back and notes whether a copula is there (position 0, having none before it,
    looks at the query). Layer 1: head `READERS[run]` looks where that note is and copies the token. The other heads
    write nothing.
    """
    config = BertConfig(num_tokens=NUM_TOKENS, num_positions=7, layers=2, width=64, heads=2, feed_forward=4, num_runs=2)
    model = StackedBert(config).eval()
    rng = np.random.default_rng(0)
    signs = [rng.permutation(np.repeat([1.0, -1.0], 12)) for _ in range(NUM_TOKENS)]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(float("norm.weight" in name))
        model.word_embedding.weight[:, :, TOKEN] = torch.tensor(np.array(signs), dtype=torch.float)
        model.word_embedding.weight[:, COPULA, IS_COPULA] = 4
        model.position_embedding[:, 0, :, POSITION] = 4 * torch.eye(7)
        model.decoder_bias[:, :, NOUNS] = 0.5
        back, read = model.layers[0], model.layers[1]
        before = [3, 0, 1, 2, 3, 4, 5]
        back.query.weight[:, POSITION, :7] = 20 * torch.eye(7)[before]
        back.key.weight[:, POSITION, :7] = 20 * torch.eye(7)
        back.value.weight[:, IS_COPULA, 0] = 1
        back.attention_output.weight[:, 0, AFTER_COPULA] = 4
        for run, head in enumerate(READERS):
            first = 32 * head
            read.query.bias[run, :, first] = 100
            read.key.weight[run, AFTER_COPULA, first] = 20
            read.value.weight[run, TOKEN, first : first + 24] = torch.eye(24)
            read.attention_output.weight[run, first : first + 24, COPIED] = 2 * torch.eye(24)
        model.transform.weight[:, COPIED, TOKEN] = torch.eye(24)
        model.transform.bias.fill_(10)  # far right of zero, gelu is the identity
        model.transform.bias[..., 60] = 11  # something to normalise where nothing was copied
    return model
