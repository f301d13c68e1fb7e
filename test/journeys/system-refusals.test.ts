import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, plainEnvironment } from './command.ts';
import { repository } from './network.ts';

/** What somebody reads when the machine, and not the command line, is what a command cannot work with. */
describe('where the system refuses', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-refusals-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs `selvage ARGS` where a line of shell brings it, and to its end. */
  async function selvageAfter(preparation: string, args: readonly string[]): Promise<Finished> {
    const script = `${preparation} && exec "$0" "$@"`;
    const child = spawn('sh', ['-c', script, process.execPath, join(repository, 'bin', 'selvage.js'), ...args], {
      cwd: folder,
      env: plainEnvironment(),
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...said };
  }

  describe('the folder that a command was started in and that is gone', () => {
    const gone = (...args: string[]) => selvageAfter('mkdir gone && cd gone && rmdir ../gone', args);

    it.each([
      ['dev'],
      ['chaincode query -C mychannel -n basic -c {"Args":["ReadAsset"]}'],
      ['lifecycle chaincode package basic.tar.gz --path . --lang node --label basic_1'],
      ['channel fetch newest -c mychannel'],
    ])('is named by %s', async (line) => {
      expect(await gone(...line.split(' '))).toEqual({
        code: 1,
        stdout: '',
        stderr:
          'Error: the folder that this command was started in is not there any more\nChange to a folder that is there (cd), and run it again.\n',
      });
    });

    it('is nothing to who needs none', async () => {
      expect(await gone('version')).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Version') });
    });
  });
});
