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

  const unusable: readonly (readonly [name: string, preparation: string, cache: string, reason: string])[] = [
    ['is a file', 'touch cache', 'cache', 'a part of the path is no directory (ENOTDIR)'],
    ['can hold nothing', 'true', '/proc', 'no such file or directory (ENOENT)'],
  ];
  const here = unusable.filter(([, , cache]) => process.platform === 'linux' || cache !== '/proc');

  it.each(here)('the folder for chaincode that %s is named, with the reason', async (_, preparation, cache, reason) => {
    const source = join(repository, 'chaincodes', 'kv-node');
    const dev = ['dev', source, '--once', '--port-base', '0', '--no-tls'];
    const { code, stderr } = await selvageAfter(`${preparation} && export SELVAGE_CACHE="$(realpath ${cache})"`, dev);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ could not build chaincode: chaincode kv-node:[0-9a-f]{64} cannot be kept in \S+\/chaincode: /);
    expect(stderr).toContain(
      `: ${reason}\nLet the peer keep chaincode where it may write (selvage.chaincodeCache, with selvage dev SELVAGE_CACHE).\n`,
    );
  });

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
