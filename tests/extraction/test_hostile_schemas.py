"""Schemas and patterns built to explode end in time and memory: in a working matcher, or in an error that names the cause.

Each case runs in a forked child of one server process for all, under limits of the kernel: 10 s of processor time, and a
peak of 1 GiB resident. A case is compiled, made an automaton, asked for its first masks, and walked with a short instance.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

SECONDS, RESIDENT, ADDRESSES = 10, 1 << 30, 3 << 30


def text(pattern: str, **more: Any) -> Any:
    return {"type": "string", "pattern": pattern} | more


def nested(depth: int, wrap: Any, inside: Any = True) -> Any:
    for _ in range(depth):
        inside = wrap(inside)
    return inside


def many(count: int, **member: Any) -> Any:
    return {"type": "object", "properties": {f"key{i}": dict(member) for i in range(count)}}


# Name → schema and, where one is known, a short valid instance.
CASES: dict[str, tuple[Any, Any]] = {
    # Patterns.
    "counts in counts": (text("^((a{0,1000}){0,1000}){0,1000}$"), "aaa"),
    "exact counts in counts": (text("((a{1000}){1000}){1000}"), None),
    "counts of choices": (text("^((a|ab){0,500}(b|ba){0,500}){0,500}$"), "abba"),
    "counts of counts with seams": (text("^(a{0,9}b?){3,99}(b{0,9}a?){3,99}$"), "ab"),
    "plus in plus": (text("^(a+)+$", minLength=30, maxLength=60), "a" * 30),
    "alternating plus": (text("^(a|aa)+$", minLength=30, maxLength=4000), "a" * 30),
    "star in star": (text("(x+x+)+y", maxLength=5000), "xxy"),
    "mail of ReDoS": (text(r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}[a-z]{2,3}$"), "a@b.de"),
    "twentieth from the end": (text("(.*a.{20})", maxLength=40), "a" + "b" * 20),
    "twentieth from the end, anchored": (text("^(.*a.{20})$", maxLength=40), "a" + "b" * 20),
    "two-hundredth from the end": (text("a.{200}$", maxLength=4000), "a" + "b" * 200),
    "many twentieths": ({"allOf": [text(f"{c}.{{20}}$") for c in "abcdef"]}, None),
    "many contained": ({"allOf": [text(f"{c}{c}") for c in "abcdefghijklmnop"]}, None),
    "many contained, bounded": ({"allOf": [text(f"{c}.*{c}", maxLength=99) for c in "abcdefghijkl"]}, None),
    "lookaheads": (text("^(?=.*a)(?=.*b)(?=.*c)(?=.*d)(?=.*e)(?=.*f)(?=.*g)(?=.*h).{8,64}$"), "abcdefgh"),
    "back-reference of ReDoS": (text(r"^(a+)+\1$"), "aa"),
    "look-behind": (text(r"^.*(?<!a)b{0,1000}$", maxLength=2000), "cb"),
    "alternatives": (text("^(" + "|".join(f"word{i}" for i in range(10_000)) + ")$"), "word77"),
    "classes": (text(r"^(\p{L}|\p{N}){0,1000}$"), "aé1"),
    "huge exact count": (text("^a{999999999}$"), None),
    "deep groups": (text("(" * 5_000 + "a" + ")" * 5_000), None),
    "optionals": (text("^" + "a?" * 500 + "a" * 500 + "$"), None),
    "formats together": ({"type": "string", "format": "uri", "pattern": "a.{30}b", "maxLength": 200}, None),
    "hostname of a length": ({"type": "string", "format": "hostname", "minLength": 200, "maxLength": 201}, None),
    "complement": ({"type": "string", "not": {"pattern": "(a.{18}b|c.{18}d)"}, "maxLength": 100}, "ab"),
    "coprime repeats": ({"allOf": [text(f"^(a{{{n}}})+$") for n in (7, 11, 13, 17, 19, 23)]}, None),
    "unions of far letters": (text("^(" + "|".join(f".{{{n}}}{chr(97 + n)}.*" for n in range(26)) + ")$"), "a"),
    "nested options": (text("^" + "(a" * 60 + ")?" * 60 + "$", maxLength=50), "aaa"),
    "counts of a class and its complement": (text("^([a-m]{3,9}[^a-m]{3,9}){2,99}$", maxLength=500), "abcxyzabcxyz"),
    "lookaheads beside a format": (
        {"type": "string", "format": "date-time", "pattern": "(?=.*Z).{1,30}7.{1,9}$"},
        None,
    ),
    "contained in another's complement": (
        {"allOf": [text("a.{9}b"), {"not": {"pattern": "b.{9}a"}}, text("^(ab|ba|[^ab])*$")], "maxLength": 40},
        None,
    ),
    "hundreds of patterns": ({"allOf": [text(f"^.{{0,{n}}}[^{n}]*$") for n in range(300)]}, "a"),
    # Counts.
    "maxLength": ({"type": "string", "maxLength": 10**9}, "ab"),
    "minLength": ({"type": "string", "minLength": 10**6}, None),
    "minLength of a pattern": (text("^[ab]*c?$", minLength=10**6), None),
    "lengths with a pattern": (text("^(ab?)*$", minLength=10**5, maxLength=10**9), None),
    "minItems": ({"type": "array", "items": {"type": "integer"}, "minItems": 10**6}, None),
    "minItems of nested minItems": (
        nested(5, lambda x: {"type": "array", "items": x, "minItems": 1000}, {"type": "integer"}),
        None,
    ),
    "maxItems": ({"type": "array", "maxItems": 10**9, "uniqueItems": True}, [1, 2]),
    "minProperties": ({"type": "object", "minProperties": 10**6}, None),
    "maxProperties": ({"type": "object", "maxProperties": 10**9}, {"a": 1}),
    "contains": ({"type": "array", "contains": {"const": 1}, "minContains": 10**6, "maxContains": 10**7}, None),
    "big numbers": ({"type": "integer", "minimum": -(10**300), "maximum": 10**300}, 5),
    "huge exponents": ({"type": "number", "minimum": 1e-300, "maximum": 1e300}, 5),
    "multiple": ({"type": "integer", "multipleOf": 999_983, "minimum": 1}, 999_983),
    "multiple of a fraction": ({"type": "number", "multipleOf": 1e-9, "maximum": 1e9}, 1.5),
    "multiples": ({"allOf": [{"type": "integer", "multipleOf": n} for n in (97, 89, 83, 79, 73, 71)]}, 0),
    "prefixItems": ({"type": "array", "prefixItems": [{"type": "integer"}] * 5000, "items": False}, [1, 2]),
    "optional prefixItems of containers": (
        {"type": "array", "prefixItems": [{"type": "object"}, {"type": "array"}] * 2500, "items": False},
        [{}, [], {}],
    ),
    "required prefixItems of containers": (
        {"type": "array", "prefixItems": [{"type": "object"}] * 5000, "minItems": 5000},
        None,
    ),
    # Breadth.
    "enum of texts": ({"enum": [f"member {i}" for i in range(10_000)]}, "member 77"),
    "enum of objects": ({"enum": [{"id": i, "of": [i]} for i in range(10_000)]}, {"id": 77, "of": [77]}),
    "enum of objects of different keys": (
        {"enum": [{f"k{i}": i, "of": {}} for i in range(4_000)]},
        {"k77": 77, "of": {}},
    ),
    "enum of arrays": ({"enum": [[i, [i + 1]] for i in range(5_000)]}, [77, [78]]),
    "enum of numbers": ({"enum": [i / 8 for i in range(10_000)]}, 77.125),
    "enum of long texts": ({"enum": [f"{i}" + "x" * 190 for i in range(10_000)]}, "77" + "x" * 190),
    "enum beside a pattern": ({"enum": [f"m{i}" for i in range(10_000)], "pattern": "7$", "minLength": 2}, "m77"),
    "enums of enums": (
        {"allOf": [{"enum": [f"m{i}" for i in range(n, n + 10_000)]} for n in range(0, 3000, 1000)]},
        "m5000",
    ),
    "not of an enum": ({"type": "string", "not": {"enum": [f"member {i}" for i in range(10_000)]}}, "member"),
    "properties": (many(10_000, type="integer"), {"key77": 1}),
    "required properties": (many(10_000, type="integer") | {"required": [f"key{i}" for i in range(10_000)]}, None),
    "closed properties": (many(10_000, type="integer") | {"additionalProperties": False}, {"key77": 1}),
    "objects of properties": (many(10_000, type="object", properties={"x": {"type": "integer"}}), {"key7": {"x": 1}}),
    "pattern properties": ({"patternProperties": {f"a.{{{i}}}b": {"type": "integer"} for i in range(30)}}, {"x": 1}),
    "unanchored pattern keys": (
        {"type": "object", "patternProperties": {f"k{i}": {"minimum": i} for i in range(30)}},
        {"x": 1, "k7": 9},
    ),
    "pattern keys": ({"patternProperties": {f"^k{i}": {"minimum": i} for i in range(300)}, "type": "object"}, None),
    "anyOf": ({"anyOf": [{"type": "object", "properties": {f"k{i}": {"const": i}}} for i in range(300)]}, {"k7": 7}),
    "anyOf of a thousand": ({"anyOf": [{"required": [f"k{i}"]} for i in range(1_000)], "type": "object"}, {"k7": 7}),
    "oneOf": (
        {"oneOf": [{"properties": {"kind": {"const": i}}, "required": ["kind"]} for i in range(200)], "type": "object"},
        {"kind": 7},
    ),
    "allOf of anyOf": (
        {"allOf": [{"anyOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(20)], "type": "object"},
        None,
    ),
    "allOf of anyOf of types": (
        {"allOf": [{"anyOf": [{"minimum": i}, {"maxLength": i}, {"maxItems": i}]} for i in range(2, 14)]},
        {},
    ),
    "allOf of oneOf of properties": (
        {
            "allOf": [
                {"oneOf": [{"properties": {f"p{i}": {"const": n}}, "required": [f"p{i}"]} for n in range(5)]}
                for i in range(9)
            ]
        },
        None,
    ),
    "dependencies": ({"dependentRequired": {f"k{i}": [f"k{i + 1}"] for i in range(300)}, "type": "object"}, {"x": 1}),
    "dependent schemas": (
        {"dependentSchemas": {f"k{i}": {"required": [f"k{i + 1}"]} for i in range(60)}, "type": "object"},
        {"x": 1},
    ),
    "if chains": (
        {"allOf": [{"if": {"required": [f"k{i}"]}, "then": {"minProperties": i}} for i in range(200)]},
        {"x": 1},
    ),
    "two megabytes": (
        {"$defs": {f"d{i}": many(20, type="string", maxLength=i + 1) for i in range(2_000)}, "$ref": "#/$defs/d1999"},
        {"key7": "a"},
    ),
    "two megabytes, all in use": (
        {"properties": {f"p{i}": many(18, type="string", maxLength=i + 9) for i in range(2_000)}, "type": "object"},
        {"p7": {"key7": "a"}},
    ),
    "a description of two megabytes": ({"type": "integer", "description": "d" * 2_000_000}, 1),
    "an enum of two megabytes": ({"enum": ["d" * 2_000_000, 1]}, 1),
    "a constant of two megabytes": ({"const": "d" * 2_000_000}, None),
    # Depth.
    "nested arrays": (nested(100, lambda x: {"type": "array", "items": x}), []),
    "nested objects": (nested(100, lambda x: {"type": "object", "properties": {"a": x}, "required": ["a"]}), None),
    "deeply nested objects": (nested(3_000, lambda x: {"type": "object", "properties": {"a": x}}), {}),
    "nested anyOf": (nested(100, lambda x: {"anyOf": [x, {"type": "null"}]}, {"type": "integer"}), 1),
    "nested anyOf of two": (nested(14, lambda x: {"anyOf": [x, {"items": x}]}, {"type": "integer"}), 1),
    "nested anyOf of objects": (nested(60, lambda x: {"anyOf": [{"properties": {"a": x}}, {"maxLength": 3}]}), {}),
    "nested not": (nested(101, lambda x: {"not": x}, {"type": "integer"}), "a"),
    "nested if": (nested(100, lambda x: {"if": {"minimum": 3}, "then": x, "else": {"maximum": 2}}), 2),
    "nested allOf": (nested(1_000, lambda x: {"allOf": [x]}, {"type": "integer"}), 1),
    "nested oneOf": (nested(40, lambda x: {"oneOf": [x, {"type": "null"}, {"type": "array"}]}, {"type": "integer"}), 1),
    "a deep constant": ({"const": nested(500, lambda x: [x], 1)}, None),
    "nested additionalProperties": (nested(100, lambda x: {"additionalProperties": x, "type": "object"}), {}),
    "nested contains": (nested(100, lambda x: {"contains": x, "type": "array"}), None),
    # References.
    "mutual recursion": (
        {
            "$defs": {
                "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}, "a": {"$ref": "#/$defs/a"}}},
                "b": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}},
            },
            "$ref": "#/$defs/a",
        },
        {"b": [[], {}]},
    ),
    "recursion in every direction": (
        {
            "$defs": {
                f"n{i}": {
                    "type": "object",
                    "properties": {f"to{j}": {"$ref": f"#/$defs/n{j}"} for j in range(40)},
                }
                for i in range(40)
            },
            "$ref": "#/$defs/n0",
        },
        {"to7": {"to8": {}}},
    ),
    "recursion under allOf": (
        {
            "$defs": {
                "a": {"properties": {"x": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}}},
                "b": {"properties": {"x": {"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/c"}]}}},
                "c": {"properties": {"x": {"allOf": [{"$ref": "#/$defs/c"}, {"$ref": "#/$defs/a"}]}}},
            },
            "type": "object",
            "$ref": "#/$defs/a",
        },
        {"x": {"x": 1}},
    ),
    "doubling references": (
        {
            "$defs": {
                f"n{i}": {"allOf": [{"$ref": f"#/$defs/n{i + 1}"}, {"$ref": f"#/$defs/n{i + 1}"}]} for i in range(40)
            }
            | {"n40": {"type": "integer"}},
            "$ref": "#/$defs/n0",
        },
        1,
    ),
    "doubling alternatives": (
        {
            "$defs": {
                f"n{i}": {"anyOf": [{"$ref": f"#/$defs/n{i + 1}"}, {"items": {"$ref": f"#/$defs/n{i + 1}"}}]}
                for i in range(30)
            }
            | {"n30": {"type": "integer"}},
            "$ref": "#/$defs/n0",
        },
        1,
    ),
    "a chain of references": (
        {
            "$defs": {f"n{i}": {"$ref": f"#/$defs/n{i + 1}"} for i in range(2_000)} | {"n2000": {"type": "integer"}},
            "$ref": "#/$defs/n0",
        },
        1,
    ),
    "a loop of two thousand references": (
        {
            "$defs": {
                f"n{i}": {"type": "object", "properties": {"x": {"$ref": f"#/$defs/n{(i + 1) % 2_000}"}}}
                for i in range(2_000)
            },
            "$ref": "#/$defs/n0",
        },
        {"x": {"x": {}}},
    ),
    "recursion required in turns": (
        {
            "$defs": {
                f"n{i}": {"type": "array", "minItems": 1, "items": {"$ref": f"#/$defs/n{i + 1}"}} for i in range(200)
            }
            | {"n200": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n0"}]}},
            "$ref": "#/$defs/n0",
        },
        None,
    ),
    "a loop of references": (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        None,
    ),
    "a reference to itself": ({"$ref": "#"}, None),
    "recursion that never ends": ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, None),
    "recursion beside not": ({"not": {"$ref": "#"}}, None),
    # Nothing is valid.
    "two types": ({"allOf": [{"type": "string"}, {"type": "integer"}]}, None),
    "two patterns": ({"allOf": [text("^a+$"), text("^b+$")]}, None),
    "two far patterns": (
        {"allOf": [text("^(a{3})+$"), text("^(a{7})+a$"), text("^(a{11})+b?$")], "maxLength": 9},
        None,
    ),
    "an empty range": ({"type": "integer", "minimum": 3, "maximum": 2}, None),
    "no such multiple": ({"type": "integer", "multipleOf": 10**9, "minimum": 1, "maximum": 10**9 - 1}, None),
    "not anything": ({"not": {}}, None),
    "more unique items than values": (
        {"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True, "minItems": 3},
        None,
    ),
    "more keys than names": ({"type": "object", "propertyNames": {"enum": ["a", "b"]}, "minProperties": 3}, None),
    "an unsatisfiable pigeonhole": (
        {
            "type": "object",
            "properties": {f"p{i}": {"enum": [1, 2, 3]} for i in range(8)},
            "required": [f"p{i}" for i in range(8)],
            "not": {"minProperties": 8},
        },
        None,
    ),
}

SLOW = (  # more than a second each
    *("alternatives", "coprime repeats", "hundreds of patterns", "exact counts in counts", "prefixItems"),
    *("optional prefixItems of containers", "required prefixItems of containers"),
    *("enum of objects", "enum of objects of different keys", "enum of arrays", "enum of numbers", "properties"),
    *("required properties", "closed properties", "objects of properties", "pattern properties", "pattern keys"),
    *("anyOf of a thousand", "dependencies", "if chains", "two megabytes, all in use", "nested anyOf of two"),
)
FAST = tuple(name for name in CASES if name not in SLOW)


def outcomes(style: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """What became of each case in its own process."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))}
    command = [sys.executable, __file__, style, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(style: str, names: tuple[str, ...]) -> None:
    found = outcomes(style, names)
    assert [one["name"] for one in found] == list(names)
    wrong = [one for one in found if not ended(one)]
    assert not wrong, wrong


def ended(outcome: dict[str, Any]) -> bool:
    """In a walk, or in an error that says where or how much; a schema that has an instance is not called empty."""
    answer, instance = outcome["answer"], CASES[outcome["name"]][1]
    if outcome["resident"] > RESIDENT:
        return False
    if answer.startswith("UnsatisfiableSchema: schema at /") or "no text matches the grammar" in answer:
        return instance is None and "schema at /" in answer
    return (
        answer == "walked"
        or answer.startswith(("SchemaError: schema at /", "UnsupportedSchema: schema at /"))
        or (answer.startswith("GrammarTooComplex: schema at /") and "needs more than" in answer)
    )


def test_hostile_schemas_end_in_bounds() -> None:
    check("any", FAST)


@pytest.mark.thorough
def test_large_hostile_schemas_end_in_bounds() -> None:
    check("any", SLOW)


@pytest.mark.thorough
def test_hostile_schemas_end_in_bounds_in_the_canonical_spelling() -> None:
    check("spaced", tuple(CASES))


def walk(name: str, style: str) -> str:
    """What becomes of a case: "walked", "unwalkable" or the text of the engine's error."""
    from byte_walks import accepts
    from vocabularies import FULL

    from engine.automaton.automaton import Automaton
    from engine.errors import EngineError
    from engine.extraction.compilation import compile_schema
    from engine.masks.mask import Masks, Walks
    from engine.masks.matcher import Matcher

    schema, instance = CASES[name]
    try:
        automaton = Automaton(compile_schema(schema, style=style))  # type: ignore[arg-type]
        matcher = Matcher(Masks(automaton, Walks(FULL)))
        for _ in range(8):
            allowed = matcher.mask().nonzero()[0]
            if not len(allowed):
                break
            matcher.accept(int(allowed[0]))
        matcher.closing()
        if instance is not None and not accepts(automaton, json.dumps(instance, ensure_ascii=False)):
            return "unwalkable"
    except EngineError as error:
        return f"{type(error).__name__}: {error}"
    return "walked"


def child(name: str, style: str) -> None:
    """Run one case under the limits and print what it came to."""
    import resource  # not on every system

    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        try:
            answer = walk(name, style)
        except BaseException as error:
            answer = f"crashed: {type(error).__name__}: {error}"
        os.write(send, answer[:4000].encode("utf-8", "replace"))
        os._exit(0)
    os.close(send)
    _, status, used = os.wait4(pid, 0)
    with os.fdopen(receive, "rb") as pipe:
        answer = pipe.read().decode("utf-8", "replace") or f"killed: status {status}"
    report: dict[str, object] = {"name": name, "style": style, "answer": answer}
    report |= {"seconds": used.ru_utime + used.ru_stime, "resident": used.ru_maxrss * 1024}
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    from engine.masks import matcher  # noqa: F401 (what every child needs is imported once, before they fork)

    for argument in sys.argv[2:] or CASES:
        child(argument, sys.argv[1])
