import { chmod, chown, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hex, sha256 } from '../../common/bytes.ts';
import { buildDeploymentSpec } from '../build-package.ts';
import { buildLifecyclePackage } from '../lifecycle-package.ts';
import type { Platform } from './platform.ts';
import { packSources } from './platforms.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-same-bytes-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const INDEX = { 'META-INF/statedb/couchdb/indexes/i.json': '{"index":{"fields":["a"]},"ddoc":"d","name":"n","type":"json"}' };
const SOURCES: readonly (readonly [Platform['name'], Readonly<Record<string, string>>])[] = [
  ['node', { 'package.json': '{"scripts":{"start":"node ."}}', 'lib/z.js': 'z', 'lib/a.js': 'a', 'lib.js': 'b', ...INDEX }],
  ['golang', { 'go.mod': 'module example.com/cc\n', 'main.go': 'package main', 'z/z.go': 'package z', 'a/a.go': 'package a', ...INDEX }],
  ['java', { 'pom.xml': '<project/>', 'src/main/java/Z.java': 'class Z {}', 'src/main/java/A.java': 'class A {}', ...INDEX }],
];

/** The same files in a folder `cc`, written in one order or the other, by somebody else, at another time, with other permissions. */
async function copy(name: string, files: Readonly<Record<string, string>>, other: boolean): Promise<string> {
  const root = join(directory, name, 'cc');
  const entries = Object.entries(files);
  for (const [path, content] of other ? entries.reverse() : entries) {
    const place = join(root, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content);
    if (!other) continue;
    await chmod(place, 0o755);
    if (process.getuid?.() === 0) await chown(place, 12_345, 54_321);
    await utimes(place, new Date(0), new Date(1_000_000_000_000));
  }
  return root;
}

it.each(SOURCES)('the same %s sources give the same bytes, in either format', async (language, files) => {
  const hashes: string[][] = [];
  for (const other of [false, true]) {
    const { type, codePackage } = await packSources(await copy(String(other), files, other), language);
    const spec = buildDeploymentSpec({ name: 'cc', version: '1', path: 'cc', type, codePackage });
    const label = 'cc_1';
    const lifecycle = await buildLifecyclePackage({ label, type: language, path: 'cc', codePackage });
    hashes.push([codePackage, spec, lifecycle].map((bytes) => hex(sha256(bytes))));
  }
  expect(hashes[1]).toEqual(hashes[0]);
});
