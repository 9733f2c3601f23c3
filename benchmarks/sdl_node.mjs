// The Node half of sdl.py: what Console does with an SDL, timed file by file.
//
//     node sdl_node.mjs FOLDER_WITH_node_modules REPEATS < files.json
//
// Reads a JSON list of SDL texts, writes {"first": [ms…], "warm": [ms…]}, one number a file.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [folder, repeats] = process.argv.slice(2);
const require = createRequire(join(folder, "node_modules", "@akashnetwork", "chain-sdk", "package.json"));
const { generateManifest, generateManifestVersion } = require("@akashnetwork/chain-sdk");
const { load } = require("js-yaml");

async function judge(text) {
  let sdl;
  try {
    sdl = load(text);
    for (const placement of Object.values(sdl.profiles.placement)) {
      for (const price of Object.values(placement.pricing)) price.denom = "uact";
    }
  } catch {
    if (sdl === undefined) return; // no YAML; anything else is the SDK's to refuse
  }
  try {
    const manifest = generateManifest(sdl);
    if (manifest.ok) {
      void manifest.value.groupSpecs; // made when asked for
      await generateManifestVersion(manifest.value.groups);
    }
  } catch {
    // sizes that are none are thrown
  }
}

async function pass(texts) {
  const took = [];
  for (const text of texts) {
    const started = performance.now();
    await judge(text);
    took.push(performance.now() - started);
  }
  return took;
}

const texts = JSON.parse(readFileSync(0, "utf8"));
const first = await pass(texts);
await pass(texts);
const passes = [];
for (let i = 0; i < Number(repeats); i++) passes.push(await pass(texts));
const middle = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const warm = texts.map((_, i) => middle(passes.map((took) => took[i])));
console.log(JSON.stringify({ first, warm }));
