"""The reference of the configuration, generated from its models so that it cannot fall behind them.

Input: the pydantic models of ``blocks/`` and ``config.py``. Output: ``config/schema.json`` for editors and
``config/README.md`` for people, both written by ``python -m dual_process.config_docs`` (``make docs``).
"""

import json
import re
from pathlib import Path
from typing import Any

from dual_process.blocks import CORRECTED, REFERENCE
from dual_process.config import Config

Schema = dict[str, Any]

PREAMBLE = """# Configuration reference

Generated from `src/dual_process/blocks/` and `config.py` by `make docs`; edit there, not here.

`config.yaml` is the quick scale. Every other file is an overlay that holds differences only: give it with
`make figures CONFIG=my.yaml` or `snakemake --configfile my.yaml`. A key that is not listed here is an error, and so is
a value out of its range; both end before the first job. A name holds letters, digits, dots and hyphens, since it
becomes part of a path.
"""


def schema_json() -> str:
    """JSON schema of the whole configuration, as text that ends in a newline."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def reference_markdown() -> str:
    """Reference in Markdown: one table per block with key, allowed values, default and meaning."""
    schema = Config.model_json_schema()
    blocks = schema.pop("$defs")
    reachable = _blocks_in_order(schema, blocks)
    sections = [_section("Top level", schema, blocks), *(_section(name, blocks[name], blocks) for name in reachable)]
    return "\n".join([PREAMBLE, *sections, _builtin_protocols()])


def write(folder: str | Path) -> None:
    """Write ``schema.json`` and ``README.md`` into `folder`."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "schema.json").write_text(schema_json(), encoding="utf-8")
    Path(folder, "README.md").write_text(reference_markdown(), encoding="utf-8")


def _blocks_in_order(schema: Schema, blocks: dict[str, Schema]) -> list[str]:
    """Names of the blocks, in the order in which a reader of the top level meets them."""
    found: list[str] = []
    for name in re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema["properties"])):
        for each in (name, *_blocks_in_order(blocks[name], blocks)):
            if each not in found:
                found.append(each)
    return found


def _section(name: str, block: Schema, blocks: dict[str, Schema]) -> str:
    required = block.get("required", [])
    lines = [f"## {name}", "", block["description"], "", "| key | allowed | default | meaning |", "|---|---|---|---|"]
    for key, field in block["properties"].items():
        # pydantic leaves the description out where it equals that of the block
        meaning = field.get("description") or blocks[field["$ref"].rsplit("/", 1)[-1]]["description"]
        cells = (f"`{key}`", allowed(field), "required" if key in required else _default(field), meaning)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


def allowed(field: Schema) -> str:
    """Say in words what values a field takes.

    Parameters
    ----------
    field
        JSON schema of one field.

    Examples
    --------
    >>> allowed({"type": "integer", "minimum": 1})
    'integer, ≥ 1'
    >>> allowed({"anyOf": [{"type": "number"}, {"type": "null"}]})
    'number or null'
    """
    if "$ref" in field:
        return _link(field["$ref"])
    for several in ("anyOf", "oneOf"):
        if several in field:
            return " or ".join(allowed(member) for member in field[several])
    if "const" in field or "enum" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "array":
        least = f", at least {field['minItems']}" if "minItems" in field else ""
        return f"list of {allowed(field['items'])}{least}"
    if field["type"] == "object":
        (block,) = field["patternProperties"].values()
        return f"blocks by name: {allowed(block)}"
    return ", ".join([_type(field), *_range(field)])


def _link(reference: str) -> str:
    name = reference.rsplit("/", 1)[-1]
    return f"[{name}](#{name.lower()})"


def _type(field: Schema) -> str:
    if "pattern" in field:
        return "name"
    kind: str = field["type"]
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)


def _range(field: Schema) -> list[str]:
    signs = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
        "multipleOf": "multiple of",
    }
    return [f"{sign} {field[key]:,}" for key, sign in signs.items() if key in field]


def _default(field: Schema) -> str:
    value = field.get("default")
    if isinstance(value, dict):
        return "[the built-in ones](#built-in-protocols)" if "reference" in value else "all defaults of the block"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _builtin_protocols() -> str:
    reference, corrected = REFERENCE.model_dump(mode="json"), CORRECTED.model_dump(mode="json")
    lines = ["## Built-in protocols", "", "| key | `reference` | `corrected` |", "|---|---|---|"]
    lines += [f"| `{key}` | `{json.dumps(reference[key])}` | `{json.dumps(corrected[key])}` |" for key in reference]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    write("config")
