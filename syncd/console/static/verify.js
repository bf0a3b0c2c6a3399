// Checks one entry in the browser, by nothing but what the page shows: that
// leaf opens, that leaf is in the tree, and who signed the tree. Formats:
// docs/protocol.md, sections 3 to 5; c2sp.org/tlog-proof, RFC 9162 2.1.3.2.
"use strict";

const syncdVerify = (() => {
  const utf8 = new TextEncoder();
  const crypto_ = globalThis.crypto;

  class Cannot extends Error {} // nothing is wrong: this browser lacks it

  const need = (holds, why) => {
    if (!holds) throw new Error(why);
  };

  const join = (...parts) => {
    const bytes = parts.map((p) => (typeof p === "string" ? utf8.encode(p) : p));
    const all = new Uint8Array(bytes.reduce((n, b) => n + b.length, 0));
    bytes.reduce((at, b) => (all.set(b, at), at + b.length), 0);
    return all;
  };

  const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

  const hex = (text) => {
    need(/^([0-9a-f]{2})*$/.test(text), "no hex");
    return Uint8Array.from(text.match(/../g) || [], (x) => parseInt(x, 16));
  };

  const base64 = (text) => {
    const raw = atob(text);
    need(btoa(raw) === text, "base64 in another spelling");
    return Uint8Array.from(raw, (c) => c.charCodeAt(0));
  };

  const number = (text) => {
    need(/^(0|[1-9][0-9]{0,15})$/.test(text), "no number");
    need(Number.isSafeInteger(Number(text)), "too large a number");
    return Number(text);
  };

  const sha256 = async (...parts) => {
    if (!crypto_ || !crypto_.subtle) throw new Cannot("no WebCrypto");
    return new Uint8Array(await crypto_.subtle.digest("SHA-256", join(...parts)));
  };

  // ------------------------------------------------------------------ tree

  const leafOf = async (origin, type, salt, payload) => {
    const head = Uint8Array.of(type, origin.length);
    const hash = await sha256("syncd-leaf-v1\0", head, origin, salt, payload);
    return join(Uint8Array.of(1, type), hash);
  };

  const rootOf = async (index, size, leaf, nodes) => {
    need(index < size, "no such entry");
    let [at, last] = [index, size - 1];
    const up = () => ([at, last] = [Math.floor(at / 2), Math.floor(last / 2)]);
    let hash = await sha256(Uint8Array.of(0), leaf);
    for (const node of nodes) {
      need(last > 0, "too many hashes");
      if (at % 2 || at === last) {
        hash = await sha256(Uint8Array.of(1), node, hash);
        while (at && at % 2 === 0) up();
      } else {
        hash = await sha256(Uint8Array.of(1), hash, node);
      }
      up();
    }
    need(last === 0, "too few hashes");
    return hash;
  };

  // ----------------------------------------------------------------- notes

  const parseNote = (text) => {
    const cut = text.lastIndexOf("\n\n");
    need(cut >= 0 && text.endsWith("\n"), "no note");
    const lines = text.slice(cut + 2, -1).split("\n").map((line) => {
      const parts = /^\u2014 (\S+) (\S+)$/u.exec(line);
      need(parts, "no line of a signature");
      const body = base64(parts[2]);
      need(body.length > 4, "a short signature");
      return { name: parts[1], id: body.slice(0, 4), signature: body.slice(4) };
    });
    return { text: text.slice(0, cut + 1), lines };
  };

  const parseHead = (text) => {
    const lines = text.split("\n");
    need(lines.length === 4 && lines[3] === "", "no checkpoint");
    const root = base64(lines[2]);
    need(root.length === 32, "no root");
    return { origin: lines[0], size: number(lines[1]), root };
  };

  const parseProof = (text) => {
    const cut = text.indexOf("\n\n");
    const [format, index, ...nodes] = text.slice(0, cut).split("\n");
    need(cut > 0 && format === "c2sp.org/tlog-proof@v1", "no proof");
    need(index.startsWith("index "), "no index");
    const hashes = nodes.map(base64);
    need(hashes.every((node) => node.length === 32), "no hash");
    return { index: number(index.slice(6)), nodes: hashes, note: text.slice(cut + 2) };
  };

  const parseKey = async (vkey) => {
    const [name, id, ...rest] = vkey.split("+");
    const raw = base64(rest.join("+"));
    const known = (await sha256(name, "\n", raw)).slice(0, 4);
    need(same(known, hex(id)), "a key of another name");
    return { name, id: known, type: raw[0], raw: raw.slice(1) };
  };

  const verified = async (key, message, signature) => {
    need(key.raw.length === 32, "no Ed25519 key");
    let made;
    try {
      made = await crypto_.subtle.importKey("raw", key.raw, "Ed25519", false, ["verify"]);
    } catch (e) {
      throw new Cannot(String(e));
    }
    return crypto_.subtle.verify("Ed25519", made, signature, message);
  };

  // Return when a key signed, in unix seconds (0: it says no time).
  const signedBy = async (note, vkey) => {
    const key = await parseKey(vkey);
    const line = note.lines.find((l) => l.name === key.name && same(l.id, key.id));
    need(line, "not signed by it");
    if (key.type === 1) {
      need(await verified(key, utf8.encode(note.text), line.signature), "wrong");
      return 0;
    }
    if (key.type !== 4) throw new Cannot("another kind of key");
    need(line.signature.length === 72, "no cosignature");
    const view = new DataView(line.signature.buffer);
    const time = view.getBigUint64(line.signature.byteOffset);
    const message = join(`cosignature/v1\ntime ${time}\n`, note.text);
    need(await verified(key, message, line.signature.slice(8)), "wrong");
    return Number(time);
  };

  // ----------------------------------------------------------------- check

  const tried = async (work) => {
    try {
      return { state: "yes", value: await work() };
    } catch (e) {
      return { state: e instanceof Cannot ? "cannot" : "no", why: e.message };
    }
  };

  // Return what came of each check: yes, no or cannot.
  const check = async ({ origin, index, leaf, salt, payload, proof, keys }) => {
    const found = {};
    if (salt) {
      found.leaf = await tried(async () => {
        const made = await leafOf(origin, hex(leaf)[1], hex(salt), base64(payload));
        need(same(made, hex(leaf)), "another leaf");
      });
    }
    found.tree = await tried(async () => {
      const parsed = parseProof(proof);
      const head = parseHead(parseNote(parsed.note).text);
      need(parsed.index === Number(index) && head.origin === origin, "of another entry");
      const root = await rootOf(parsed.index, head.size, hex(leaf), parsed.nodes);
      need(same(root, head.root), "another root");
    });
    for (const key of keys) {
      found[key] = await tried(() => signedBy(parseNote(parseProof(proof).note), key));
    }
    return found;
  };

  const onPage = async (box) => {
    const lines = [...box.querySelectorAll("[data-check]")];
    const names = lines.map((line) => line.dataset.check);
    const keys = names.filter((name) => name.includes("+"));
    const found = await check({ ...box.dataset, keys });
    for (const line of lines) {
      const { state } = found[line.dataset.check] || { state: "cannot" };
      line.dataset.state = state;
      line.querySelector("output").textContent = box.dataset[state];
    }
  };

  return { check, leafOf, rootOf, parseNote, signedBy, onPage };
})();

if (typeof module !== "undefined") module.exports = syncdVerify;
else {
  const box = document.getElementById("verify");
  const button = box && box.querySelector("button");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => syncdVerify.onPage(box));
  }
}
