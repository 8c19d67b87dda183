"""The description of all routes as a page for people: one file without scripts, that needs nothing else."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from string import Template
from typing import Any

from showtime_app.web.openapi.descriptions import Object, read_text

_PAGE = Template(read_text("page.html"))
_STYLE = read_text("page.css")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What a browser may do with the page: show it, in its own style."""


def render(document: Object, link: str) -> str:
    """Write the page; `link` leads to the document itself."""
    info = document["info"]
    texts = {"title": info["title"], "version": info["version"], "about": info["description"]}
    texts |= {"openapi": document["openapi"], "link": link}
    escaped = {name: escape(text) for name, text in texts.items()}
    return _PAGE.substitute(escaped, style=_STYLE, sections="".join(_sections(document)))


def _sections(document: Object) -> Iterator[str]:
    for tag in document["tags"]:
        found = [
            _operation(method, path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if tag["name"] in operation["tags"] and method != "head"  # which is said of all at once
        ]
        if found:
            yield f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{''.join(found)}"
    yield "<h2>Schemas</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary><div>'
        yield f"{_code(schema)}</div></details>"


def _operation(method: str, path: str, operation: Object) -> str:
    lock = " <small>needs a token</small>" if operation.get("security") else ""
    parts = [f"<p>{escape(operation['description'])}</p>"] if "description" in operation else []
    if operation.get("parameters"):
        parts.append(_table("Parameters", map(_parameter, operation["parameters"])))
    if "requestBody" in operation:
        parts.append(f"<h4>Body</h4>{_contents(operation['requestBody'])}")
    rows = ((code, _answer(answer)) for code, answer in sorted(operation["responses"].items()))
    parts.append(_table("Answers", rows))
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="method">{method.upper()}</span>'
        f"<code>{escape(path)}</code> {escape(operation['summary'])}{lock}</summary>"
        f"<div>{''.join(parts)}</div></details>"
    )


def _parameter(parameter: Object) -> tuple[str, str]:
    must = "" if parameter.get("required") else ", optional"
    meaning = escape(parameter.get("description", ""))
    return parameter["name"], f"{meaning} ({parameter['in']}{must}) {_code(parameter['schema'])}"


def _answer(answer: Object) -> str:
    headers = ", ".join(name for name in answer.get("headers", {}))
    return f"{escape(answer['description'])}{_contents(answer)}<small>{escape(headers)}</small>"


def _contents(of: Object) -> str:
    return "".join(
        f"<p><code>{escape(media_type)}</code></p>{_code(media['schema'])}{_examples(media)}"
        for media_type, media in of.get("content", {}).items()
    )


def _examples(media: Object) -> str:
    examples = [media["example"]] if "example" in media else []
    examples += [example["value"] for example in media.get("examples", {}).values()]
    return "".join(map(_code, examples))


def _table(title: str, rows: Any) -> str:  # noqa: ANN401 - pairs of a name and a text
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<h4>{title}</h4><table>{cells}</table>"


def _code(value: Any) -> str:  # noqa: ANN401 - of JSON
    """Show a value; a reference as a link to what it names."""
    if isinstance(value, Mapping) and set(value) == {"$ref"}:
        name = escape(value["$ref"].rpartition("/")[2])
        return f'<p><a href="#{name}">{name}</a></p>'
    written = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"<pre>{escape(written)}</pre>"
