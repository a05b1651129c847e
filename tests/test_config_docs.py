"""The generated configuration reference and schema, and that the files in config/ have not fallen behind."""

import json
from pathlib import Path

import pytest

from dual_process.blocks import Block
from dual_process.config import Config
from dual_process.config_docs import allowed, reference_markdown, schema_json, write

CONFIG = Path(__file__).parents[1] / "config"


@pytest.mark.parametrize(("name", "made"), [("README.md", reference_markdown), ("schema.json", schema_json)])
def test_file_in_config_is_what_the_models_say(name, made):
    assert (CONFIG / name).read_text(encoding="utf-8") == made(), "config.py has changed: run `make docs`"


def blocks(block=Config, seen=None):
    """All block classes that the configuration is made of."""
    seen = set() if seen is None else seen
    stack = [block, *(field.annotation for field in block.model_fields.values())]
    while stack:
        item = stack.pop()
        stack += getattr(item, "__args__", ())
        stack += [getattr(item, "__origin__", None)] if hasattr(item, "__origin__") else []
        if isinstance(item, type) and issubclass(item, Block) and item not in seen:
            seen.add(item)
            blocks(item, seen)
    return seen


def test_every_key_of_every_block_is_in_its_table():
    text = reference_markdown()
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    found = blocks()
    assert len(found) >= 15
    for block in found:
        section = sections["Top level" if block is Config else block.__name__]
        for key, field in block.model_fields.items():
            row = next(line for line in section.splitlines() if line.startswith(f"| `{key}` "))
            assert len(field.description) > 10
            assert ("| required |" in row) == field.is_required()


def test_links_lead_to_sections():
    text = reference_markdown()
    headings = {line[3:].lower().replace(" ", "-") for line in text.splitlines() if line.startswith("## ")}
    assert {part.split(")")[0] for part in text.split("](#")[1:]} <= headings


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (
            {"type": "integer", "minimum": 20, "maximum": 60000, "multipleOf": 2},
            "integer, ≥ 20, ≤ 60,000, multiple of 2",
        ),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "number, > 0, < 1"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"const": "zipf", "type": "string"}, "`zipf`"),
        ({"enum": ["none", "all"], "type": "string"}, "`none` or `all`"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, "list of text, at least 1"),
        ({"type": "object", "patternProperties": {"^a": {"$ref": "#/$defs/Bert"}}}, "blocks by name: [Bert](#bert)"),
        ({"type": "boolean"}, "true or false"),
    ],
)
def test_allowed_values_in_words(field, words):
    assert allowed(field) == words


def test_schema_is_json_that_refuses_unknown_keys_everywhere():
    schema = json.loads(schema_json())
    assert all(block["additionalProperties"] is False for block in [schema, *schema["$defs"].values()])


def test_write_makes_both_files(tmp_path):
    write(tmp_path / "config")
    assert {path.name for path in (tmp_path / "config").iterdir()} == {"README.md", "schema.json"}
