import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OutputFolder } from '../chaincode/output/output-folder.ts';
import { buildEnded, buildStarted } from '../packages/build-progress.ts';
import { withBuildOutput } from './follow-build.ts';
import type { Terminal } from './terminal.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-follow-build-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function terminal(said: string[]): Terminal {
  const ignored = (): void => undefined;
  const env = { FABRIC_CFG_PATH: folder, CORE_PEER_FILESYSTEMPATH: folder };
  const signal = new AbortController().signal;
  return { out: ignored, write: ignored, say: (line) => said.push(line), env, cwd: folder, signal, colours: false, interactive: false };
}

it('shows what the peer of this machine keeps of a build, and nothing of earlier ones', async () => {
  const print = async (ccid: string, line: string, now = new Date()): Promise<void> => {
    const output = new OutputFolder({ directory: join(folder, 'chaincode-logs'), clock: { now: () => now } });
    await using kept = await output.open(ccid);
    kept.line(buildStarted('the build'));
    kept.line({ stream: 'build', text: line });
    kept.line({ stream: 'stdout', text: 'of the chaincode' });
    kept.line(buildEnded('finished', 1234));
  };
  await print('cc:1', 'earlier', new Date(Date.now() - 1));
  const said: string[] = [];
  const answer = await withBuildOutput('cc:1', terminal(said), async () => {
    await print('cc:1', 'now');
    await print('other:1', 'of another');
    return 'installed';
  });
  expect(answer).toBe('installed');
  expect(said).toEqual(['  build │ the build …', '  build │ now', '  build │ build finished after 1.2 s']);
});

it('shows what several peers of this machine build', async () => {
  const said: string[] = [];
  const directories = ['one', 'other', 'one'].map((peer) => join(folder, peer));
  const build = async (): Promise<void> => {
    for (const directory of new Set(directories)) {
      await using kept = await new OutputFolder({ directory, clock: { now: () => new Date() } }).open('cc:1');
      kept.line({ stream: 'build', text: directory });
    }
  };
  await withBuildOutput('cc:1', terminal(said), build, directories);
  expect(said.sort()).toEqual(['one', 'other'].map((peer) => `  build │ ${join(folder, peer)}`));
});

it('is silent about a peer elsewhere, and fails as the work does', async () => {
  const said: string[] = [];
  await expect(withBuildOutput('cc:1', terminal(said), () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect(said).toEqual([]);
});
