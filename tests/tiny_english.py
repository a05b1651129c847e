"""Hand-written grammar of a very small English, and the treebank of data/tiny_english that it writes.

Sentences are ones like "The old dog in the garden sees Anna ." with parts of speech, Penn tags, heads, relations, named
entities and the bounds of phrases, all right by construction. Nouns and adjectives are frequent or rare by Zipf's law,
and a few forms are both. ``python -m tests.tiny_english`` writes the files anew.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dual_process.streams import stream

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "data" / "tiny_english"
NUM_SENTENCES = {"train": 380, "dev": 100}


def listed(text):
    """Words of a text, the frequent ones first."""
    return text.split()


NOUNS = listed(
    "house dog child garden book friend tree river car door cat table road teacher window letter bird boat cup horse "
    "town stone picture box doctor song hand field story chair farmer bridge lamp hill ship bread coat island flower "
    "clock mountain kitchen king apple forest wall ball queen paper baker snow bottle soldier tower wagon village goat "
    "bell ladder orange rope sailor basket spoon candle market mirror pocket button carpet saddle needle violin barrel"
)
ADJECTIVES = listed(
    "old small new big good red young long happy white dark tall warm black kind strange heavy blue soft clean bright "
    "poor slow empty tired brave rich wide deep strong brown proud thin loud clever gentle dry angry wet sharp calm "
    "rough lazy hungry narrow yellow smooth honest polite shy curious wooden noisy rotten dusty"
)
BOTH = listed("light cold green square sweet round novel patient")  # rarer than most nouns and adjectives
VERBS = listed("see find like carry follow hear watch paint")
PEOPLE = listed("Anna Peter Maria Tom Clara")
PLACES = listed("Oslo Paris Lima Cairo")
MONTHS = listed("May June April")
PREPOSITIONS = listed("in near behind under")


@dataclass(frozen=True)
class Word:
    """One word of a phrase; its head is an index within the phrase, None at the head of the phrase."""

    form: str
    upos: str
    xpos: str
    dep: str = "root"
    head: int | None = None
    ner: str = "O"
    starts: bool = False
    ends: bool = False


def phrase(*parts, core, relations, bounded=True):
    """Join phrases: all parts but the one at the index `core` depend on it, by the given relations."""
    starts = np.cumsum([0, *[len(part) for part in parts]])
    cores = [next(index for index, word in enumerate(part) if word.head is None) for part in parts]
    target = int(starts[core] + cores[core])
    remaining = iter(relations)
    words = []
    for index, (start, part) in enumerate(zip(starts, parts, strict=False)):
        relation = None if index == core else next(remaining)
        for word in part:
            if word.head is not None:
                words.append(replace(word, head=int(start) + word.head))
            else:
                words.append(word if index == core else replace(word, head=target, dep=relation))
    if bounded:
        words[0] = replace(words[0], starts=True)
        words[-1] = replace(words[-1], ends=True)
    return words


class Grammar:
    """Random sentences; uses nothing but uniform numbers, so that the files stay the same with every NumPy."""

    def __init__(self, part):
        self.random = stream(0, "tiny English", list(NUM_SENTENCES).index(part))

    def chance(self, probability):
        return self.random.random() < probability

    def any_of(self, words):
        return words[int(self.random.random() * len(words))]

    def zipf(self, words):
        weights = 1 / np.arange(2, len(words) + 2)
        return words[int(np.searchsorted(np.cumsum(weights) / weights.sum(), self.random.random()))]

    def noun(self, plural):
        form = self.any_of(BOTH) if self.chance(0.06) else self.zipf(NOUNS)
        forms = {"child": "children", "story": "stories", "box": "boxes"}
        if plural:
            form = forms.get(form, f"{form}s")
        return [Word(form, "NOUN", "NNS" if plural else "NN")]

    def adjective(self):
        return [Word(self.any_of(BOTH) if self.chance(0.08) else self.zipf(ADJECTIVES), "ADJ", "JJ")]

    def verb(self, plural):
        form = self.zipf(VERBS)
        singular = "carries" if form == "carry" else "watches" if form == "watch" else f"{form}s"
        return [Word(form, "VERB", "VBP") if plural else Word(singular, "VERB", "VBZ")]

    def copula(self, plural):
        return [Word("are" if plural else "is", "AUX", "VBP" if plural else "VBZ", starts=True)]

    def name(self, words, entity):
        return phrase([Word(self.any_of(words), "PROPN", "NNP", ner=entity)], core=0, relations=[])

    def noun_phrase(self, plural, depth=0):
        """Give a name, or a noun with a determiner and perhaps adjectives, a preposition or a relative clause."""
        if not plural and self.chance(0.12):
            return self.name(PEOPLE, "PERSON")
        determiner = "the" if plural or self.chance(0.7) else "a"
        adjectives = [self.adjective() for _ in range(self.chance(0.3) + self.chance(0.05))]
        parts = [[Word(determiner, "DET", "DT")], *adjectives, self.noun(plural)]
        if determiner == "a" and parts[1][0].form[0] in "aeio":
            parts[0] = [Word("an", "DET", "DT")]
        relations = ["det", *["amod"] * len(adjectives)]
        core = len(parts) - 1
        if depth == 0 and self.chance(0.1):
            parts.append(self.prepositional_phrase())
            relations.append("nmod")
        elif depth == 0 and self.chance(0.06):
            parts.append(self.relative_clause(plural))
            relations.append("acl:relcl")
        return phrase(*parts, core=core, relations=relations)

    def prepositional_phrase(self):
        preposition = self.any_of(PREPOSITIONS)
        place = self.name(PLACES, "GPE") if self.chance(0.3) else self.noun_phrase(self.chance(0.2), depth=1)
        return phrase([Word(preposition, "ADP", "IN")], place, core=1, relations=["case"])

    def relative_clause(self, plural):
        pronoun, other = [Word("that", "PRON", "WDT")], self.noun_phrase(self.chance(0.2), depth=1)
        return phrase(pronoun, self.verb(plural), other, core=1, relations=["nsubj", "obj"])

    def clause(self):
        """Give "X is (very) A", "X is a N" or "X V Y (in June)", without the full stop."""
        plural = self.chance(0.2)
        subject = self.noun_phrase(plural)
        kind = self.random.random()
        if kind < 0.5:
            adverb = [Word("very", "ADV", "RB")]
            predicate = phrase(self.adjective(), core=0, relations=[])
            if self.chance(0.2):
                predicate = phrase(adverb, self.adjective(), core=1, relations=["advmod"])
            return phrase(subject, self.copula(plural), predicate, core=2, relations=["nsubj", "cop"], bounded=False)
        if kind < 0.55 and not plural:
            thing = self.noun_phrase(plural=False, depth=1)
            return phrase(subject, self.copula(plural), thing, core=2, relations=["nsubj", "cop"], bounded=False)
        parts = [self.verb(plural), self.noun_phrase(self.chance(0.2), depth=1)]
        relations = ["obj"]
        if self.chance(0.1):
            month = self.name(MONTHS, "DATE")
            parts.append(phrase([Word("in", "ADP", "IN")], month, core=1, relations=["case"]))
            relations.append("obl")
        return phrase(subject, phrase(*parts, core=0, relations=relations), core=1, relations=["nsubj"], bounded=False)

    def sentence(self):
        clause = self.clause()
        core = [Word(".", "PUNCT", ".")]
        words = phrase(clause, core, core=0, relations=["punct"])
        first = words[0].form
        return [replace(words[0], form=first[0].upper() + first[1:]), *words[1:]]


def conllu(words):
    """Rows of one sentence in CoNLL-U."""
    rows = []
    for number, word in enumerate(words, start=1):
        head = 0 if word.head is None else word.head + 1
        misc = f"NER={word.ner}|PhraseStart={word.starts:d}|PhraseEnd={word.ends:d}"
        cells = (str(number), word.form, "_", word.upos, word.xpos, "_", str(head), word.dep, "_", misc)
        rows.append("\t".join(cells))
    return "\n".join(rows) + "\n"


def text(part):
    """Content of one file: train or dev."""
    grammar = Grammar(part)
    return "".join(f"{conllu(grammar.sentence())}\n" for _ in range(NUM_SENTENCES[part]))


def ewt_file(name, size):
    """Return a file of the treebank EWT, in the repository's data or beside it, if it has so many bytes, or None.

    Known counts hold for one release of the treebank only, which the size tells from others.
    """
    folders = [folder / "data" / "ud_english_ewt" for folder in (ROOT, ROOT.parent, ROOT.parent / "shared")]
    found = [folder / name for folder in folders if (folder / name).exists()]
    return next((path for path in found if path.stat().st_size == size), None)


if __name__ == "__main__":
    for name in NUM_SENTENCES:
        (FOLDER / f"{name}.conllu").write_text(text(name), encoding="utf-8", newline="\n")
