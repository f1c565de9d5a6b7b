"""Translations: finds every text of the sources, brings the catalogs in step with them, and compiles these.

An app is translated when it has a directory `locale/`; a file `locale/also.txt` in it names more texts that the app
shows, as `module:NAME` of a mapping, one a line. With --check nothing is written: it tells what is out of step, what
has no translation, and translations that lost a placeholder, and exits with 1. Needs none of gettext's programs.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from catalogs import Catalog, Key, compile_mo, read_po, write_po
from django.template.base import Lexer, Token, TokenType
from django.utils.translation import trim_whitespace

ROOT: Final = Path(__file__).parents[1]
APPS: Final = ROOT / "src" / "bursar"
LANGUAGES: Final = ("de", "es")
FORMS: Final = 2
HEADER: Final = (
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "Language: {language}\n"
    "Plural-Forms: nplurals=2; plural=(n != 1);\n"
)
SINGULAR: Final = frozenset({"gettext", "gettext_lazy", "gettext_noop", "later", "_"})
PLURAL: Final = frozenset({"ngettext", "ngettext_lazy"})
WITH_CONTEXT: Final = frozenset({"pgettext", "pgettext_lazy"})
QUOTED: Final = r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
TAG: Final = re.compile(rf"(?:translate|trans)\s+{QUOTED}(?:.*?\bcontext\s+{QUOTED})?", re.DOTALL)
ARGUMENT: Final = re.compile(rf"_\({QUOTED}\)")
BLOCK: Final = re.compile(rf"blocktrans(?:late)?\b(?:.*?\bcontext\s+{QUOTED})?", re.DOTALL)
PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]|<[^>]+>")
Places = Mapping[Key, Sequence[str]]


def main(arguments: Sequence[str]) -> int:
    """Bring every catalog in step, or tell what is not."""
    faults = [fault for app in translated_apps() for fault in step(app, check="--check" in arguments)]
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


def translated_apps() -> list[Path]:
    """Return the directories of the apps with translations."""
    return sorted(found.parent for found in APPS.glob("*/locale"))


def step(app: Path, *, check: bool) -> Iterator[str]:
    """Bring the catalogs of one app in step (unless `check`), and yield what is wrong with them."""
    places = texts_of(app)
    for language in LANGUAGES:
        path = app / "locale" / language / "LC_MESSAGES" / "django.po"
        known = read_po(path.read_text(encoding="utf-8"))[1] if path.is_file() else {}
        messages = in_step(known, places)
        header = HEADER.format(language=language)
        written = {
            path: write_po(header, messages, places).encode(),
            path.with_suffix(".mo"): compile_mo(header, messages),
        }
        for file, content in written.items():
            if not check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            elif not file.is_file() or file.read_bytes() != content:
                yield f"{shown(file)} is not in step with the sources: make translations"
        yield from (f"{shown(path)}: {fault}" for key, forms in messages.items() for fault in faults_of(key, forms))


def in_step(known: Catalog, places: Places) -> Catalog:
    """Return the messages of the sources with the translations that are known; new ones have none."""
    return {key: known.get(key, ("",) * (FORMS if key.plural else 1)) for key in places}


def faults_of(key: Key, forms: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with one translation."""
    if not all(forms):
        yield f"not translated: {key.message!r}"
        return
    for form, source in zip(forms, (key.message, key.plural), strict=False):
        if sorted(PLACEHOLDER.findall(form)) != sorted(PLACEHOLDER.findall(source)):
            yield f"other placeholders or tags than its source: {form!r}"


def texts_of(app: Path) -> Places:
    """Return every text of an app with the files it stands in."""
    found: defaultdict[Key, set[str]] = defaultdict(set)
    for path in sorted(app.rglob("*.py")):
        for key in in_python(path.read_text(encoding="utf-8")):
            found[key].add(shown(path))
    for path in sorted((app / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            for key in in_template(path.read_text(encoding="utf-8")):
                found[key].add(shown(path))
    for name in also(app):
        for text in words_of(name):
            found[Key(text)].add(name)
    return {key: sorted(found[key]) for key in sorted(found)}


def in_python(source: str) -> Iterator[Key]:
    """Yield the texts in a module that are given to a function of gettext as they are."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (texts := _literals(node)):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SINGULAR:
                yield Key(texts[0])
            elif name in PLURAL:
                yield Key(texts[0], plural=texts[1])
            elif name in WITH_CONTEXT:
                yield Key(texts[1], context=texts[0])


def _literals(call: ast.Call) -> list[str]:
    """Return the leading arguments that are plain texts."""
    found = []
    for argument in call.args:
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            break
        found.append(argument.value)
    return found


def in_template(source: str) -> Iterator[Key]:
    """Yield the texts in a template, as Django asks for them."""
    tokens = iter(Lexer(source).tokenize())
    for token in tokens:
        if token.token_type == TokenType.BLOCK and BLOCK.match(token.contents):
            yield from _block(token, tokens)
        elif token.token_type in {TokenType.BLOCK, TokenType.VAR}:
            match = TAG.match(token.contents) if token.token_type == TokenType.BLOCK else None
            if match:
                yield Key(_text(match[1], match[2]), _text(match[3], match[4]))
            yield from (Key(_text(*groups)) for groups in ARGUMENT.findall(token.contents))


def _block(start: Token, tokens: Iterator[Token]) -> Iterator[Key]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.BLOCK and token.contents.strip() == "plural":
            parts.append([])
        elif token.token_type == TokenType.BLOCK:
            break
        elif token.token_type == TokenType.VAR:
            parts[-1].append(f"%({token.contents})s")
        elif token.token_type == TokenType.TEXT:
            parts[-1].append(token.contents.replace("%", "%%"))
    texts = ["".join(part) for part in parts]
    if "trimmed" in start.split_contents():
        texts = [trim_whitespace(text) for text in texts]
    match = BLOCK.match(start.contents)
    yield Key(texts[0], _text(match[1], match[2]) if match else "", texts[1] if len(texts) > 1 else "")


def _text(double: str | None, single: str | None) -> str:
    return re.sub(r"\\(.)", r"\1", double or single or "")


def also(app: Path) -> list[str]:
    """Return the mappings elsewhere whose texts an app shows."""
    path = app / "locale" / "also.txt"
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def words_of(name: str) -> list[str]:
    """Return the texts of a mapping, named as `module:NAME`."""
    module, _, attribute = name.partition(":")
    return [str(text) for text in getattr(import_module(module), attribute).values()]


def shown(path: Path) -> str:
    """Return a path as it is said."""
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
