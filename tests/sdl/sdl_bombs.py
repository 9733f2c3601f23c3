"""SDLs that were written to keep us busy: `REFUSED` are invalid, `TAKEN` are large and valid."""

from __future__ import annotations

from sdl_data import BASE

IMAGE = "    image: nginx:1.27.0\n"
GLOBAL = "          - global: true\n"
NAME = "abcdefgh" * 7
OTHER = "hgfedcba" * 7


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


def flow(entry: str, count: int) -> str:
    return ", ".join(entry.replace("#", str(i)) for i in range(count))


REFUSED = {
    "aliases": laughs(30),
    "aliases of a long text": f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 5000}]",
    "merges": "a: &a {x: 1}\n" + "\n".join(f"b{i}: &b{i} {{<<: [{'*a, ' * 9}*a]}}" for i in range(4000)),
    "merges of a large map": f"a: &a {{{flow('k#: 1', 3000)}}}\nb: {{<<: [{'*a, ' * 300}]}}",
    "depth": "[" * 100_000,
    "block depth": "\n".join(" " * i + "a:" for i in range(600)),
    "key depth": "? " * 50_000,
    "alias depth": "a0: &a0 x\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 5000)),
    "list items": "- a\n" * 120_000,
    "empty lists": f"[{'[], ' * 100_000}]",
    "documents": "---\n" * 100_000,
    "anchors": "&a " * 100_000,
    "one anchor": f"&{'a' * 500_000} x",
    "tags": "!!str " * 80_000,
    "directives": "%TAG ! tag:x,2019:\n" * 20_000,
    "too large": "a" * (600 * 1024),
    "one text": "a: " + "b c d\n  " * 58_000,
    "an open quote": "a: '" + "x\n" * 200_000,
    "tabs": "a:\n" + "\t" * 400_000,
    "line separators": "a: " + "\u2028" * 150_000,
    "digits": f"version: {'9' * 500_000}",
    "hex digits": f"version: 0x{'f' * 500_000}",
    "unknown fields": BASE.replace(IMAGE, IMAGE + "".join(f"    {NAME}{i}: 1\n" for i in range(4500))),
    "wrong cases": BASE.replace("as: 80", f"http_options: {{next_cases: [{'bad, ' * 5000}]}}"),
    "wrong ports": BASE.replace("      - port", "      - port: a\n" * 3000 + "      - port"),
    "wrong endpoints": f"{BASE}endpoints: {{{flow('A#: {kind: ip}', 1500)}}}\n",
    "unused endpoints": f"{BASE}endpoints: {{{flow('a#: {kind: ip}', 1500)}}}\n",
    "unknown volumes": "version: '2.0'\n"
    f"services: {{a: {{image: a, params: {{storage: {{{flow(NAME + '#: {mount: /#}', 1000)}}}}}}}}}\n"
    "profiles: {compute: {p: {resources: {cpu: {units: 1}, memory: {size: 1Gi}, "
    f"storage: [{flow('{size: 1Gi, name: ' + OTHER + '#}', 60)}]}}}}}}, "
    f"placement: {{{flow('p#: {pricing: {p: {amount: 1}}}', 30)}}}}}\n"
    f"deployment: {{a: {{{flow('p#: {profile: p, count: 1}', 30)}}}}}\n",
    "a manifest out of proportion": BASE.replace(
        GLOBAL, "          - &to {global: true}\n" + "          - *to\n" * 2000
    ).replace("as: 80", f"accept: [{flow('a#.com', 500)}]"),
    "millicores": BASE.replace("units: 0.5", f"units: '{'1' * 400_000}x'"),
    "a price": BASE.replace("amount: 1000", f"amount: '1.{'1' * 400_000}'"),
    "variables": BASE.replace(IMAGE, IMAGE + "    env:\n" + "      - 'A: b'\n" * 5000),
    "a name": BASE.replace("  web:\n    ", f"  ? {'a-' * 60_000}\n  :\n    "),
}
TAKEN = {
    "a size": BASE.replace("size: 512Mi", f"size: '{'1.' * 200_000}Mi'"),
    "comments": "#\n" * 200_000 + BASE,
    "blank lines": "\n" * 500_000 + BASE,
    "a long variable": BASE.replace(IMAGE, f'{IMAGE}    env: ["A={"x" * 450_000}"]\n'),
    "many ports": BASE.replace(GLOBAL, GLOBAL * 2500),
    "many models": BASE.replace(
        "  placement:",
        f"        gpu: {{units: 1, attributes: {{vendor: {{nvidia: [{flow('{model: a#}', 2000)}]}}}}}}\n  placement:",
    ),
    "many attributes": BASE.replace("pricing:\n", f"attributes: {{{flow('é#: 1', 3500)}}}\n      pricing:\n"),
}
