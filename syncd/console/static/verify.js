// Checks one entry by what the page shows: that its leaf opens, that it is in
// the tree, and who signed the tree (docs/protocol.md, 3 to 5; RFC 9162,
// 2.1.3.2; c2sp.org/tlog-proof). "cannot" is no complaint: a browser lacks it.
"use strict";

const syncdVerify = (() => {
  const web = globalThis.crypto;
  class Cannot extends Error {}
  const need = (holds, why) => {
    if (!holds) throw new Error(why);
  };
  const bytes = (x) => (typeof x === "string" ? new TextEncoder().encode(x) : x);
  const join = (...parts) => Uint8Array.from(parts.flatMap((x) => [...bytes(x)]));
  const same = (a, b) => String(a) === String(b);
  const hex = (text) => {
    need(/^([0-9a-f]{2})*$/.test(text), "no hex");
    return Uint8Array.from(text.match(/../g) || [], (x) => parseInt(x, 16));
  };
  const base64 = (text, size = 0) => {
    const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    need(btoa(atob(text)) === text, "base64 in another spelling");
    need(!size || raw.length === size, "another length");
    return raw;
  };
  const number = (text) => {
    need(/^(0|[1-9][0-9]*)$/.test(text) && Number.isSafeInteger(+text), "no number");
    return +text;
  };
  const sha256 = async (...parts) => {
    if (!web || !web.subtle) throw new Cannot("no WebCrypto");
    return new Uint8Array(await web.subtle.digest("SHA-256", join(...parts)));
  };

  const leafOf = async (origin, type, salt, payload) => {
    const head = [type, origin.length];
    const hash = await sha256("syncd-leaf-v1\0", head, origin, salt, payload);
    return join([1, type], hash);
  };

  const rootOf = async (index, size, leaf, nodes) => {
    need(index < size, "no such entry");
    let [at, last] = [index, size - 1];
    const up = () => ([at, last] = [Math.floor(at / 2), Math.floor(last / 2)]);
    let hash = await sha256([0], leaf);
    for (const node of nodes) {
      need(last > 0, "too many hashes");
      const right = at % 2 || at === last;
      hash = await (right ? sha256([1], node, hash) : sha256([1], hash, node));
      while (right && at && at % 2 === 0) up();
      up();
    }
    need(last === 0, "too few hashes");
    return hash;
  };

  const parseNote = (text) => {
    const cut = text.lastIndexOf("\n\n");
    need(cut >= 0 && text.endsWith("\n"), "no note");
    const lines = text.slice(cut + 2, -1).split("\n").map((line) => {
      const [, name, encoded] = /^\u2014 (\S+) (\S+)$/u.exec(line) || [];
      need(name, "no line of a signature");
      const body = base64(encoded);
      need(body.length > 4, "a short signature");
      return { name, id: body.slice(0, 4), signature: body.slice(4) };
    });
    return { text: text.slice(0, cut + 1), lines };
  };

  const parseProof = (text) => {
    const cut = text.indexOf("\n\n");
    const [format, index, ...nodes] = text.slice(0, cut).split("\n");
    need(format === "c2sp.org/tlog-proof@v1" && /^index /.test(index), "no proof");
    const note = parseNote(text.slice(cut + 2));
    const [origin, size, root, ...rest] = note.text.split("\n");
    need(same(rest, [""]), "no checkpoint");
    return { note, index: number(index.slice(6)), nodes: nodes.map((x) => base64(x, 32)),
      origin, size: number(size), root: base64(root, 32) };
  };

  // Return when a key signed, in unix seconds (0: its line says no time).
  const signedBy = async ({ text, lines }, vkey) => {
    const [name, id, ...rest] = vkey.split("+");
    const key = base64(rest.join("+"), 33);
    need(same((await sha256(name, "\n", key)).slice(0, 4), hex(id)), "another key");
    const line = lines.find((x) => x.name === name && same(x.id, hex(id)));
    need(line, "not signed by it");
    let { signature: signed } = line, time = 0n, message = text;
    if (key[0] === 4) {
      need(signed.length === 72, "no cosignature");
      time = new DataView(signed.buffer).getBigUint64(0);
      [signed, message] = [signed.slice(8), `cosignature/v1\ntime ${time}\n${text}`];
    } else if (key[0] !== 1) throw new Cannot("another kind of key");
    const raw = key.slice(1);
    const made = await web.subtle.importKey("raw", raw, "Ed25519", false, ["verify"])
      .catch((e) => { throw new Cannot(String(e)); });
    need(await web.subtle.verify("Ed25519", made, signed, bytes(message)), "wrong");
    return Number(time);
  };

  // Return what came of each check: yes, no or cannot.
  const check = async ({ origin, index, leaf, salt, payload, proof, keys }) => {
    const checks = { tree: async () => {
      const found = parseProof(proof);
      need(found.index === number(index) && found.origin === origin, "another entry");
      const root = await rootOf(found.index, found.size, hex(leaf), found.nodes);
      need(same(root, found.root), "another root");
    } };
    if (salt) checks.leaf = async () => {
      const made = await leafOf(origin, hex(leaf)[1], hex(salt), base64(payload));
      need(same(made, hex(leaf)), "another leaf");
    };
    for (const key of keys) checks[key] = () => signedBy(parseProof(proof).note, key);
    for (const [name, work] of Object.entries(checks)) {
      checks[name] = await work().then(() => "yes", (e) => (e instanceof Cannot ? "cannot" : "no"));
    }
    return checks;
  };

  const onPage = async (box) => {
    const lines = [...box.querySelectorAll("[data-check]")];
    const keys = lines.map((x) => x.dataset.check).filter((x) => x.includes("+"));
    const found = await check({ ...box.dataset, keys });
    for (const { dataset, lastElementChild } of lines) {
      dataset.state = found[dataset.check];
      lastElementChild.textContent = box.dataset[dataset.state];
    }
  };

  return { check, leafOf, rootOf, parseNote, signedBy, onPage };
})();

if (typeof module !== "undefined") module.exports = syncdVerify;
else for (const box of document.querySelectorAll("[data-proof]")) {
  const button = box.querySelector("button");
  if (!button) syncdVerify.onPage(box);
  else {
    button.hidden = false;
    button.addEventListener("click", () => syncdVerify.onPage(box));
  }
}
