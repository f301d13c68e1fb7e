/** The start script is run without npm; what it sees of npm must be the same. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { NodePlatform } from './node-platform.ts';
import { findNpm } from './npm.ts';

const SHOW = `
const seen = {};
for (const [name, value] of Object.entries(process.env)) if (/^(npm_(command|lifecycle|package|node)|NODE$|INIT_CWD$)/.test(name)) seen[name] = value;
console.log(JSON.stringify({ seen, argv: process.argv.slice(2), firstInPath: process.env.PATH.split(':').find((each) => each.endsWith('.bin')) }));
`;

it.skipIf(process.platform === 'win32')('a start script sees what npm start would let it see', async () => {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'selvage-npm-start-')));
  try {
    const folder = join(directory, 'src');
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'cc', version: '1.2.3', scripts: { start: 'node index.js' } }));
    await writeFile(join(folder, 'index.js'), SHOW);
    const { start } = await new NodePlatform().hostPlan(directory, { path: '', codePackage: new Uint8Array() });
    const { file, args, env } = start("it's:1");
    const basic = { PATH: process.env['PATH'] ?? '', HOME: directory };
    const ours = await promisify(execFile)(file, [...args], { cwd: folder, env: { ...basic, ...env } });
    const npm = [await findNpm(process.execPath), 'start', '--silent', '--', '--peer.address', "it's:1"];
    const theirs = await promisify(execFile)(process.execPath, npm, {
      cwd: folder,
      env: { ...basic, npm_config_update_notifier: 'false' },
    });
    expect(JSON.parse(ours.stdout)).toEqual(JSON.parse(theirs.stdout));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
