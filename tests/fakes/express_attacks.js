// Attacks the JavaScript samples of the exploit starter set: samples as JSON on standard input, {id: got through} out.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
let started = [];

function router() {
  const made = {};
  for (const method of ["get", "post", "patch"]) made[method] = (_, ...handlers) => (made.handler = handlers.pop());
  return made;
}

const MODULES = {
  express: { Router: router, json: () => null },
  "escape-html": (text) => String(text).replace(/[&<>"']/g, (one) => ENTITIES[one]),
  child_process: { exec: (...all) => started.push(["exec", ...all]), execFile: (...all) => started.push(all) },
};

function handlerOf({ path: home, code, files = {} }) {
  const texts = { [home]: code, ...files };
  const load = (name) => {
    const module = { exports: {} };
    const need = (one) => MODULES[one] || load(`${path.posix.join(path.posix.dirname(name), one)}.js`);
    // In this context, so that a polluted prototype is ours to see.
    vm.runInThisContext(`(function (require, module) {${texts[name]}\n})`)(need, module);
    return module.exports;
  };
  const exported = load(home);
  return (exported.router || exported).handler;
}

/** An object that has one value under every name. */
const every = (value) => new Proxy({}, { get: () => value });

function attempt(call) {
  try {
    return call();
  } catch (error) {
    return null; // declined
  }
}

const ATTACKS = {
  "javascript-escaped-page": (handler) =>
    ["%3Cscript%3E", "x onfocus=alert(1)"].some((value) => {
      let page = "";
      attempt(() => handler({ query: every(value) }, { send: (text) => (page = text) }));
      return page.includes("<script>") || page.includes("=x onfocus=");
    }),
  "javascript-redirect": (handler, { input }) => {
    const host = `${path.basename(input.path, ".js")}.example`;
    const addresses = [`https://${host}.evil.test/`, `https://evil${host}/`, `https://${host}@evil.test/`, "//evil.test"];
    return [...addresses, "/\\evil.test", `https://${host}/home`].some((address) => {
      let to = "";
      attempt(() => handler({ body: every(address), session: {} }, { redirect: (_, target) => (to = target) }));
      return to !== "" && new URL(to, `https://${host}`).host !== host;
    });
  },
  "javascript-merge-keys": (handler) => {
    attempt(() => handler({ body: '{"__proto__": {"polluted": 1}}' }, { json: () => null }));
    const polluted = {}.polluted === 1;
    delete Object.prototype.polluted;
    return polluted;
  },
  "javascript-slow-pattern": (handler) => {
    // Counted by a deadline, not by a clock: 2 ** 40 steps never end in time, a linear match always does.
    const response = { status: () => response, json: () => response };
    const context = vm.createContext({ handler, params: { params: every(`${"a".repeat(40)}!`) }, response });
    return attempt(() => vm.runInContext("handler(params, response)", context, { timeout: 1000 })) === null;
  },
  "javascript-child-process": (handler) => {
    started = [];
    handler({ query: every("$(id)") }, { type: () => ({ send: () => null }) });
    const [program, words] = started[0];
    return program === "exec" || (program === "sh" && words[1].includes("$(id)"));
  },
  "javascript-query-object": async (handler, { input }) => {
    const [, first, second] = /const \{ (\w+), (\w+) \} = req.body/.exec(input.code);
    let through = false;
    const collection = () => ({ findOne: async (query) => (through ||= Object.values(query).some((one) => one.$ne === 1)) });
    for (const name of [first, second]) {
      const body = { [first]: "x", [second]: "x", [name]: { $ne: 1 } };
      const response = { status: () => response, end: () => null, json: () => null };
      await handler({ body, log: { info: () => null }, db: { collection } }, response);
    }
    return through;
  },
};

async function main() {
  const found = {};
  for (const sample of JSON.parse(fs.readFileSync(0, "utf8")))
    found[sample.id] = await ATTACKS[sample.cluster](handlerOf(sample.input), sample);
  process.stdout.write(JSON.stringify(found));
}

main();
