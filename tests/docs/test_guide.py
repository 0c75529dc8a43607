"""The guide holds together: links lead somewhere, pages are listed, what is generated is as the code is, commands exist."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from docs.executed_pages import GUIDE, ROOT, Block, blocks, run_page, shape
from docs.generated_regions import COMMAND, error_classes, filled, pages_with_regions
from typer.testing import CliRunner

import engine
from engine.cli import engine_app
from engine.cli.guide import guide_pages, search_guide
from engine.errors import UsageError

PAGES = sorted([ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md", *(ROOT / "engine").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        place, _, fragment = link.partition("#")
        if "://" in place:
            assert place.startswith("https://"), link
            continue
        target = page.parent / place if place else page
        assert target.exists(), link
        if fragment:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in map(anchor, headings), link


def test_every_page_is_in_the_list_of_contents() -> None:
    for contents, inside in (
        (GUIDE / "README.md", GUIDE.glob("*.md")),
        (GUIDE / "design" / "README.md", (GUIDE / "design").glob("*.md")),
    ):
        listed = set(_LINK.findall(contents.read_text(encoding="utf-8")))
        assert {path.name for path in inside if path != contents} - listed == set()


def test_every_stage_has_a_page_with_its_files() -> None:
    stages = {path.parent for path in (ROOT / "engine").glob("*/__init__.py")}
    assert stages <= {page.parent for page in pages_with_regions() if page.name == "README.md"}


@pytest.mark.parametrize("page", pages_with_regions(), ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_what_is_generated_is_as_the_code_is(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == filled(page), f"{page.name} is out of date: {COMMAND}"


def every_block() -> list[tuple[str, Block]]:
    return [(path.name, block) for path in PAGES for block in blocks(path.read_text(encoding="utf-8"))]


def command_lines() -> list[tuple[str, str]]:
    """Page and line of all commands of the engine in the guide."""
    found = []
    for name, block in every_block():
        if block.language in ("sh", "console", ""):
            found += [(name, line) for line in block.text.splitlines()]
    for path in PAGES:
        found += [
            (path.name, line)
            for line in re.findall(r"^    (engine .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        ]
    return [(name, line.removeprefix("$ ")) for name, line in found if re.match(r"(\$ )?engine [a-z-]", line)]


def test_every_command_exists_with_its_options() -> None:
    runner = CliRunner()
    helps: dict[tuple[str, ...], str] = {}
    assert len(command_lines()) > 30
    for name, line in command_lines():
        words = [word for word in shlex.split(line.split(" | ")[0].split(" || ")[0], comments=True)[1:] if word != "…"]
        words = words[1:] if words[0] == "--offline" else words
        place = tuple(words[:2] if words[0] in ("models", "bench") else words[:1])
        helps[place] = helps.get(place) or runner.invoke(engine_app, [*place, "--help"]).stdout
        assert helps[place], (name, line)
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", helps[place]), (name, line, option)


def test_every_option_named_in_the_guide_exists() -> None:
    """Options in running text, as in `--max-items`, are options of some command."""
    known = set(re.findall(r"--[a-z][\w-]*", (GUIDE / "command_line.md").read_text(encoding="utf-8")))
    known |= {"--offline", "--version", "--help", "--cache"}
    of_others = {
        "--batch",
        "--grammar-file",
        "--merge",
        "--thorough",
        "--force-reinstall",
        "--no-cache-dir",
        "--no-deps",
    }
    for path in PAGES:
        for code in re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8")):
            assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", code)) <= known | of_others, (path.name, code)


@pytest.mark.parametrize("block", every_block(), ids=lambda item: item[0])
def test_shown_python_can_be_parsed(block: tuple[str, Block]) -> None:
    name, shown = block
    if shown.language in ("python", "py"):
        ast.parse(shown.text.replace("[…]", "[...]").replace("= …", "= ..."), name)


def test_every_error_is_in_troubleshooting_or_in_the_table() -> None:
    table = (GUIDE / "errors.md").read_text(encoding="utf-8")
    known = {kind.__name__ for kind in error_classes()}
    assert known <= set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    named = re.findall(
        r"`([A-Z]\w+)`", (GUIDE / "troubleshooting.md").read_text(encoding="utf-8").replace("ValueError", "")
    )
    others = {"AssertionError", "Literal"}
    assert {name for name in named if not name.isupper()} - known - others - {"ENGINE_OFFLINE"} == set()


def test_every_variable_is_on_the_page_of_the_environment() -> None:
    page = (GUIDE / "environment.md").read_text(encoding="utf-8")
    used = set()
    for path in (ROOT / "engine").rglob("*.[pc]*"):
        if path.suffix in (".py", ".c"):
            used |= set(
                re.findall(r"[\"'](ENGINE_[A-Z_]+|HF_ENDPOINT|OLLAMA_MODELS)[\"'=]", path.read_text(encoding="utf-8"))
            )
    assert used
    assert used == set(re.findall(r"`((?:ENGINE|HF|OLLAMA)_[A-Z_]+)`", page))


def is_run(page: Path) -> bool:
    return any(block.language in ("sh", "python") for block in blocks(page.read_text(encoding="utf-8")))


@pytest.mark.real_model
@pytest.mark.parametrize(
    "topic", [str(page.relative_to(GUIDE).with_suffix("")) for page in GUIDE.rglob("*.md") if is_run(page)]
)
def test_a_page_that_can_be_run_prints_what_it_says(topic: str, real_path: Path, tmp_path: Path) -> None:
    for block, printed in run_page(GUIDE / f"{topic}.md", tmp_path, str(real_path)):
        assert shape(printed) == shape(block.text), f"{topic}: python tests/docs/executed_pages.py {topic}\n{printed}"


def test_pages_are_found_by_topic_and_by_words() -> None:
    pages = guide_pages()
    assert {"", "tutorial", "design", "design/budget", "command-line"} <= set(pages)
    assert pages["design/budget"].title == "Budget"
    page, heading, line = search_guide("GuardUnsatisfied")[0]
    assert "GuardUnsatisfied" in heading + line or page.topic in ("troubleshooting", "errors")
    with pytest.raises(UsageError, match="tutorial"):
        search_guide("tutoriel")


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_figure_that_was_measured_has_its_command(page: Path) -> None:
    text = re.sub(
        r"<!-- generated.*?<!-- end -->|^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M
    )
    figure = re.compile(r"\d[\d.,]*\s?(?:µs|ms|s|%|tokens/s|documents/s|MiB|GiB|MB|kB)(?!\w)")
    told = re.compile(r"\b(?:measured|medians?|took|takes? \d|faster|slower)\b", re.IGNORECASE)
    command = re.compile(r"`(?:time )?(?:engine|pytest|python|\./users) [^`]*`")
    for section in re.split(r"^(?=#+ )", text, flags=re.MULTILINE):
        if figure.search(section) and told.search(section):
            assert command.search(section), section.partition("\n")[0]


# Words that users of other tools would type, and a page that answers them.
QUESTIONS = {
    "how do I notice truncated max_tokens": "questions",
    "how many retries": "questions",
    "validation context": "examples/validators",
    "stream partial objects": "questions",
    "server-sent events": "examples/web-stream",
    "which keywords are supported": "questions",
    "pattern ignored": "questions",
    "schema in the prompt": "questions",
    "optional field invented null": "questions",
    "thinking model": "chat-templates",
    "seed determinism": "batch",
    "num_ctx": "models",
    "local gguf file": "questions",
    "slow compile": "questions",
    "endless white space": "questions",
    "recursive models": "questions",
    "regular expression without an object": "questions",
    "timeout": "batch",
    "chinese positions": "questions",
    "long documents": "batch",
    "resume after a crash": "questions",
    "many fields give bad results": "questions",
    "is the gpu used": "gpu",
    "pdf": "inputs",
    "confidence": "questions",
    "csv delimiter": "inputs",
    "ray cluster": "clusters",
    "GuardUnsatisfied": "troubleshooting",
}


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_question_is_answered_among_the_first_three(words: str) -> None:
    assert QUESTIONS[words] in [page.topic for page, _, _ in search_guide(words)[:3]]


def test_links_are_topics_in_a_terminal() -> None:
    shown = guide_pages()["tutorial"].for_terminal()
    assert "(help choosing-a-model)" in shown
    assert "generated:" not in guide_pages()["errors"].for_terminal()


def test_the_guide_comes_with_the_package() -> None:
    assert Path(engine.__file__).parent in GUIDE.parents


def test_issue_templates_ask_for_what_doctor_prints() -> None:
    templates = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    asked = [path.name for path in templates if "`engine doctor` prints" in path.read_text(encoding="utf-8")]
    assert asked == [path.name for path in templates if path.name != "config.yml"]


def test_the_changelog_says_each_thing_below_its_subject() -> None:
    """A merge that keeps both sides brings lines back that were taken out; they show up in front of the first heading."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = text[text.index("\n## ") :]
    assert "\n- " not in newest[: newest.index("\n### ")]
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(lines) == len(set(lines))
