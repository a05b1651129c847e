"""A language model of transformers in training: its first weights, its step and its optimizer.

Axes: B sequences of a batch, L word pieces of a sequence, M predictions of a batch, V pieces of the vocabulary,
D width.
"""

import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from dual_process.language.text import Batch
from dual_process.language_runs import PretrainingPlan
from dual_process.schedules import learning_rate
from dual_process.streams import integer_seed

EMBEDDING, DECODER_BIAS, BODY = range(3)
"""Parameter groups of the optimizer; forgetting treats them apart."""


def initial_model(plan: PretrainingPlan, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Build the model that training starts from; its weights depend on the seed of the run alone.

    Parameters
    ----------
    plan
        Gives architecture, protocol and seed.
    tokenizer
        Gives the size of the vocabulary and the special tokens.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(plan.labels.seed, "initial weights"))
        model = _bert(plan, tokenizer) if plan.model.kind == "bert" else _gpt2(plan, tokenizer)
        nn.init.normal_(word_embedding(model), 0.0, plan.protocol.initial_embedding_scale)
    model.set_attn_implementation("sdpa")
    return model


def _bert(plan: PretrainingPlan, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    block = plan.model
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=block.width,
        num_hidden_layers=block.layers,
        num_attention_heads=block.heads,
        intermediate_size=block.feed_forward,
        hidden_dropout_prob=block.dropout,
        attention_probs_dropout_prob=block.dropout,
        max_position_embeddings=plan.sequence_length,
        pad_token_id=tokenizer.pad_token_id,
    )
    return BertForMaskedLM(config)


def _gpt2(plan: PretrainingPlan, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    block = plan.model
    assert block.kind == "gpt2", f"no language model is built from {block.kind}"
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=block.width,
        n_layer=block.layers,
        n_head=block.heads,
        n_inner=block.feed_forward,
        n_positions=plan.sequence_length,
        embd_pdrop=block.dropout,
        attn_pdrop=block.dropout,
        resid_pdrop=block.dropout,
        initializer_range=block.initial_scale,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=False,
    )
    return GPT2LMHeadModel(config)


def word_embedding(model: PreTrainedModel) -> Tensor:
    """Rows of the word pieces, shape (V, D), which are those of the decoder as well."""
    weight = model.get_input_embeddings().weight
    assert isinstance(weight, Tensor)
    return weight


def decoder_bias(model: PreTrainedModel) -> Tensor | None:
    """Bias of the decoder, shape (V,); a GPT-2 has none."""
    bias: Tensor | None = model.get_output_embeddings().bias
    return bias


class PretrainingModule(lightning.LightningModule):
    """Masked language modelling of a bert, next-token prediction of a gpt2.

    Parameters
    ----------
    model
        Model of transformers with tied embeddings.
    plan
        Gives optimizer settings and seed.
    first_step
        Optimizer steps already completed, when a killed run goes on.
    """

    def __init__(self, model: PreTrainedModel, plan: PretrainingPlan, first_step: int = 0) -> None:
        super().__init__()
        self.model, self.plan, self.first_step = model, plan, first_step
        self.training_config = plan.optimisation
        self.loss = torch.zeros(())

    @property
    def completed_steps(self) -> int:
        """Optimizer steps since initialisation, those before a restart included."""
        return self.first_step + self.trainer.global_step

    @property
    def optimizer(self) -> torch.optim.AdamW:
        """The optimizer, once training has begun."""
        optimizer = self.trainer.optimizers[0]
        assert isinstance(optimizer, torch.optim.AdamW)
        return optimizer

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate of the coming step."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.training_config, self.completed_steps + 1)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean cross-entropy of the predictions.

        Dropout is drawn from a stream of the step, so that a run goes on exactly after a kill.
        """
        _seed_device(self.device, integer_seed(self.plan.labels.seed, "dropout", self.completed_steps))
        loss = cross_entropy(self.logits(batch), batch.targets)
        self.loss = loss.detach()
        return loss

    def logits(self, batch: Batch) -> Tensor:
        """Logits where something is predicted and nowhere else, which is most of the saving, shape (M, V)."""
        states = self.model.base_model(batch.inputs).last_hidden_state  # (B, L, D)
        head = self.model.cls if isinstance(self.model, BertForMaskedLM) else self.model.lm_head
        logits: Tensor = head(states.flatten(0, 1)[batch.positions])
        return logits

    def configure_optimizers(self) -> torch.optim.AdamW:
        """AdamW with decay on everything; the word embedding and the decoder bias in groups of their own."""
        apart = [word_embedding(self.model), decoder_bias(self.model)]
        body = [each for each in self.model.parameters() if not any(each is other for other in apart)]
        groups = [{"params": [] if each is None else [each]} for each in apart] + [{"params": body}]
        config = self.training_config
        return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


def _seed_device(device: torch.device, seed: int) -> None:
    """Seed the default generator of one device; ``torch.manual_seed`` asks every backend and costs 2 ms a call."""
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)
