"""What the browser checks, run by node: the vectors decide."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from importlib import resources
from typing import Any

import pytest

from syncd.tlog import merkle
from tests.cases import tried, vectors

SCRIPT = resources.files("syncd") / "console/static/verify.js"
NODE = shutil.which("node") or ""
NOTES = vectors("tlog/notes")
SHOWN = vectors("syncd/entry")
ENTRY = SHOWN["entry"]
KEYS = {key["name"]: key["vkey"] for key in NOTES["keys"]}
ALPHA = KEYS["alpha.example/log"]
ORIGIN = "police.example/syncd/txwz/1"
RUN = """
globalThis.crypto ??= require("node:crypto").webcrypto;  // before node 20
const js = process.argv[1].startsWith("!") ? process.argv[1].slice(1) : "";
if (js) eval(js);
const verify = require(process.argv[2]);
const hex = (x) => Buffer.from(x).toString("hex");
const bytes = (x) => Uint8Array.from(Buffer.from(x, "hex"));
const ask = {
  leaf: async (c) => hex(await verify.leafOf(c.origin, c.type,
    bytes(c.salt), Buffer.from(c.payload))),
  root: async (c) => hex(await verify.rootOf(c.index, c.size,
    bytes(c.leaf), c.nodes.map(bytes))),
  signed: async (c) => verify.signedBy(verify.parseNote(c.note), c.key),
  check: verify.check,
};
(async () => {
  const found = [];
  for (const c of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
    try { found.push(await ask[c.ask](c)); }
    catch (e) { found.push(null); }
  }
  console.log(JSON.stringify(found));
})();
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NODE, reason="there is no node here"),
]


def run(ask: str, cases: Any, first: str = "") -> Any:
    """Return what the script makes of each case, None where it throws."""
    done = subprocess.run(
        [NODE, "-e", RUN, "!" + first, str(SCRIPT)],
        input=json.dumps([{"ask": ask, **case} for case in cases]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def sha(i: int) -> bytes:
    return hashlib.sha256(i.to_bytes(8, "big")).digest()[: i % 33]


LEAVES = merkle.leaf_hashes(map(sha, range(300)))


def nodes(index: int, size: int) -> list[str]:
    def subtree(level: int, at: int) -> bytes:
        low = at << level
        return merkle.root(LEAVES[low : low + (1 << level)])

    return [node.hex() for node in merkle.inclusion(index, size, subtree)]


def test_leaves_are_those_of_the_vectors() -> None:
    cases = vectors("syncd/formats")["leaves"]
    assert run("leaf", cases) == [case["leaf"] for case in cases]


def test_trees_are_those_of_the_vectors() -> None:
    roots = [
        case
        for case in vectors("tlog/roots")["roots"]
        if 1 <= case["size"] <= 300
    ]
    cases = [
        {"index": i, "size": n, "leaf": sha(i).hex(), "nodes": nodes(i, n)}
        for n in (case["size"] for case in roots)
        for i in {0, n // 3, n - 1}
    ]
    known = {case["size"]: case["root"] for case in roots}
    assert run("root", cases) == [known[case["size"]] for case in cases]
    spoiled = [
        {**case, "nodes": more}
        for case in cases[::50]
        for more in ([*case["nodes"], "00" * 32], case["nodes"][:-1])
        if more != case["nodes"]
    ]
    assert set(run("root", spoiled)) == {None}


def test_notes_are_accepted_as_the_vectors_say() -> None:
    cases = NOTES["open_cases_with_alpha_key"]
    notes = [base64.b64decode(case["note_b64"]) for case in cases]
    asked = [
        {"note": raw.decode("utf-8", "replace"), "key": ALPHA} for raw in notes
    ]
    got = [one is not None for one in run("signed", asked)]
    assert got == [case["x_mod_accepts"] for case in cases]


def test_cosignatures_and_their_times_are_those_of_the_vectors() -> None:
    key = KEYS["beta.example/receipts"]
    checkpoints = NOTES["checkpoints"]
    cases = [{"note": c["cosigned"], "key": key} for c in checkpoints]
    assert run("signed", cases) == [c["cosign_time_1"] for c in checkpoints]
    forged = {
        "note": checkpoints[1]["cosigned"].replace("alpha", "alphb"),
        "key": key,
    }
    assert run("signed", [forged]) == [None]


def test_an_entry_as_the_page_shows_it() -> None:
    assert run("check", [ENTRY]) == [
        dict.fromkeys(("leaf", "tree", *ENTRY["keys"]), "yes")
    ]


@tried("spoilt, wrong", SHOWN["altered"])
def test_whatever_was_altered_shows(
    spoilt: dict[str, str], wrong: list[str]
) -> None:
    [found] = run("check", [{**ENTRY, **spoilt}])
    assert sorted(n for n, state in found.items() if state == "no") == wrong


def test_another_root_is_signed_by_nobody() -> None:
    root = base64.b64encode(bytes(32)).decode()
    text = re.sub(r"\n300\n.*", f"\n300\n{root}", ENTRY["proof"])
    [found] = run("check", [{**ENTRY, "proof": text}])
    assert {k for k, state in found.items() if state == "no"} == {
        "tree",
        *ENTRY["keys"],
    }


def test_an_entry_that_is_closed_is_in_the_tree_all_the_same() -> None:
    [found] = run("check", [{**ENTRY, "salt": "", "payload": ""}])
    assert "leaf" not in found
    assert set(found.values()) == {"yes"}


def test_a_browser_that_lacks_ed25519_says_no_wrong_thing() -> None:
    lacks = "crypto.subtle.importKey = async () => { throw new Error('no') }"
    [found] = run("check", [ENTRY], lacks)
    assert [found["leaf"], found["tree"]] == ["yes", "yes"]
    assert {found[key] for key in ENTRY["keys"]} == {"cannot"}
    none = "Object.defineProperty(globalThis, 'crypto', {value: {}})"
    [found] = run("check", [ENTRY], none)
    assert set(found.values()) == {"cannot"}


def test_it_is_short_enough_to_be_read() -> None:
    assert len(SCRIPT.read_text("utf-8").splitlines()) < 200
