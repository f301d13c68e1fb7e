/**
 * Brings a checkout to where it can run: dependencies from the lock file, generated codecs, compiled sources, the bundled command.
 * Each step is skipped when its input has not changed, so a second run costs about a second.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBundle } from './bundle.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...path) => join(root, ...path);

export async function ensure() {
  checkNode();
  once('node_modules/.selvage-installed', [at('package-lock.json')], 'installing dependencies', () =>
    npm('ci', '--ignore-scripts', '--include=dev'),
  ); // which NODE_ENV=production leaves out
  const generator = [
    at('scripts/generate-protos.mjs'),
    ...readdirSync(at('scripts/protos')).map((file) => at('scripts/protos', file)),
    at('package-lock.json'),
  ];
  once('src/protos/gen/.generated', generator, 'deriving the message codecs', () => node([at('scripts/generate-protos.mjs')]));
  node([at('node_modules/typescript/bin/tsc'), '-b']);
  await ensureBundle();
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Selvage needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/** Runs `work` unless the stamp says that it was done for the same inputs. */
function once(stamp, inputs, what, work) {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(readFileSync(input));
  const wanted = hash.digest('hex');
  if (existsSync(at(stamp)) && readFileSync(at(stamp), 'utf8') === wanted) return;
  console.error(`selvage: ${what} …`);
  work();
  writeFileSync(at(stamp), wanted);
}

/** npm as shipped beside this Node, so that nothing depends on what `npm` means in PATH. */
function npm(...args) {
  const cli = process.env.npm_execpath;
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] };
  if (cli !== undefined && /npm-cli\.c?js$/.test(cli)) execFileSync(process.execPath, [cli, ...args], options);
  else execFileSync('npm', args, { ...options, shell: process.platform === 'win32' });
}

function node(args) {
  try {
    execFileSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  } catch {
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await ensure();
