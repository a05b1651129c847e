"""Tokenizers of the models that are pretrained here: lower-cased word pieces, learnt from the text.

In: sentences. Out: a tokenizer of transformers, which its Auto class loads from a checkpoint folder. A word has the
same pieces alone and within a sentence, for both kinds of model.
"""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

CONTINUATION = "##"
"""What a piece begins with that does not begin a word."""
SPECIAL = {
    "bert": {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    },
    "gpt2": {
        "pad_token": "<|pad|>",
        "unk_token": "<|unk|>",
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
    },
}
"""Special tokens of each kind of model, by their role in transformers; they have the first ids."""


def train_tokenizer(texts: Iterable[str], vocabulary: int, kind: str) -> PreTrainedTokenizerFast:
    """Learn word pieces from a text; the same text gives the same pieces.

    Parameters
    ----------
    texts
        Sentences.
    vocabulary
        Wanted number of pieces, special tokens included; there are fewer if the text has not so many.
    kind
        Kind of the model, bert or gpt2. A bert's tokenizer puts [CLS] and [SEP] around a text if asked for special
        tokens, a gpt2's nothing.

    Raises
    ------
    ValueError
        If the vocabulary has no room for the characters of the text.

    Examples
    --------
    >>> train_tokenizer(["The cat sat ."], 100, "bert").tokenize("The cat")
    ['the', 'cat']
    """
    special = list(dict.fromkeys(SPECIAL[kind].values()))
    texts = list(texts)
    pieces = _learn_pieces(texts, vocabulary, special)
    if len(pieces) > vocabulary:
        raise ValueError(
            f"a vocabulary of {vocabulary} has no room for the {len(pieces)} characters and special tokens of the "
            f"text; set vocabulary to {len(pieces)} or more"
        )
    tokenizer = _empty(models.WordPiece(pieces, unk_token=SPECIAL[kind]["unk_token"]))
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUATION)
    if kind == "bert":
        ends = [(token, pieces[token]) for token in ("[CLS]", "[SEP]")]
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],  # a gpt2 would add a token's row for each segment id
        clean_up_tokenization_spaces=False,
        **SPECIAL[kind],
    )


def _learn_pieces(texts: list[str], vocabulary: int, special: list[str]) -> dict[str, int]:
    """Ids of the learnt pieces.

    The library numbers the pieces of one character that continue a word in the order of a hash table, which differs
    from process to process, and breaks ties between pairs by number. So they are handed over, sorted, among the special
    tokens, and with them every character of the text, so that fewer new words are unknown. The tokenizer that learns is
    then thrown away, since it would find those pieces in a text as they are spelt.
    """
    learner = _empty(models.WordPiece(unk_token="[UNK]"))
    normal, split = learner.normalizer, learner.pre_tokenizer
    words = {word for text in texts for word, _ in split.pre_tokenize_str(normal.normalize_str(text))}
    continuing = sorted({CONTINUATION + character for word in words if len(word) > 1 for character in word})
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=special + continuing,
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    return dict(sorted(learner.get_vocab().items(), key=lambda entry: entry[1]))


def _empty(model: models.Model) -> Tokenizer:
    """Tokenizer that lower-cases, takes accents off and splits at blanks and punctuation, as BERT's does."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer
