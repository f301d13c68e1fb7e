import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findIsolation } from '../../src/runtimes/process/isolation.ts';
import { Inspector } from '../runtimes/inspector.ts';
import { RunningCommand, selvage } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

const { active } = await findIsolation({ host: process.env, limits: {}, sandbox: 'auto' });
const isSandboxed = active['sandbox']?.startsWith('bwrap') === true;

const exported = (file: string, name: string): string =>
  execFileSync('/bin/sh', ['-c', `. "${file}" && printf %s "$${name}"`], { encoding: 'utf8' });

describe('looking into chaincode', () => {
  let folder: string;
  let data: string;
  let dev: RunningCommand;
  let env: Record<string, string>;
  let orderer: readonly string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-look-'));
    data = join(folder, 'data');
    const args = ['dev', join(repository, 'chaincodes/kv-node'), '--name', 'kv', '--data', data, '--port-base', '0', '--json', '--inspect'];
    dev = new RunningCommand(args, { SELVAGE_CACHE: chaincodeCache });
    const ready: { env: string } = JSON.parse(await dev.line((line) => line.startsWith('{"fact":"ready"')));
    const names = [
      'CORE_PEER_LOCALMSPID',
      'CORE_PEER_ADDRESS',
      'CORE_PEER_MSPCONFIGPATH',
      'CORE_PEER_TLS_ENABLED',
      'CORE_PEER_TLS_ROOTCERT_FILE',
      'CORE_PEER_FILESYSTEMPATH',
    ];
    env = Object.fromEntries(names.map((name) => [name, exported(ready.env, name)]));
    orderer = exported(ready.env, 'ORDERER_FLAGS').split(' ');
  });

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  const run = (...args: readonly string[]) => selvage(args, { env, cwd: folder });
  const invoke = (...args: readonly string[]) =>
    run('chaincode', 'invoke', ...orderer, '-C', 'mychannel', '-n', 'kv', '-c', JSON.stringify({ Args: args }), '--waitForEvent');

  it('opens the inspector of the chaincode’s own process and tells its address', async () => {
    const { address }: { address: string } = JSON.parse(await dev.line((line) => line.startsWith('{"fact":"inspector"')));
    const targets: unknown = await (await fetch(`http://${new URL(address).host}/json/list`)).json();
    expect(targets).toEqual([
      expect.objectContaining({ type: 'node', title: expect.stringContaining('index.js'), webSocketDebuggerUrl: address }),
    ]);
  });

  it('shows sources at a place that no reload changes, and comes back at the same port', async () => {
    const told = (number: number): string => {
      const lines = dev.lines.filter((line) => line.startsWith('{"fact":"inspector"'));
      return JSON.parse(lines[number] ?? '{}').address ?? '';
    };
    const before = new URL(told(0));
    const pageOf = async ({ host }: URL): Promise<{ readonly url: string }> => {
      const pages = (await (await fetch(`http://${host}/json/list`)).json()) as readonly { readonly url: string }[];
      return pages[0] ?? { url: '' };
    };
    const { url } = await pageOf(before);
    if (isSandboxed) expect(url).toBe('file:///chaincode/kv/index.js');
    {
      using inspector = await Inspector.attach(told(0)); // Node waits at its exit for a debugger to leave
      await inspector.say('Runtime.evaluate', { expression: 'setTimeout(process.exit, 500, 7)' });
    }
    await expect
      .poll(() =>
        pageOf(before).then(
          () => 'up',
          () => 'gone',
        ),
      )
      .toBe('gone');
    await run('chaincode', 'query', '-C', 'mychannel', '-n', 'kv', '-c', '{"Args":["noop"]}');
    await expect.poll(() => told(1)).not.toBe('');
    const after = new URL(told(1));
    expect(after.host).toBe(before.host);
    if (isSandboxed) expect((await pageOf(after)).url).toBe(url);
  });

  it('prints what the chaincode printed, tells standard error apart, and finds a transaction', async () => {
    const first = await invoke('print', 'hello from chaincode', 'a warning');
    await invoke('print', 'something else');
    const txId = /txid \[([0-9a-f]{64})\]/.exec(first.stderr)?.[1] ?? 'no transaction id';
    const all = await run('chaincode', 'logs', 'kv');
    expect(all.stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} [0-9a-f]{8} {3}hello from chaincode$/m);
    expect(all.stdout).toMatch(/^\S+ [0-9a-f]{8} ! a warning$/m);
    expect(all.stdout).toContain('something else');
    const one = await run('chaincode', 'logs', 'kv', '--tx', txId);
    expect(one.stdout).toContain('hello from chaincode');
    expect(one.stdout).not.toContain('something else');
    expect((await selvage(['chaincode', 'logs', 'kv', '--data', data])).stdout).toBe(all.stdout);
  });

  it('follows', async () => {
    await using following = new RunningCommand(['chaincode', 'logs', '-f', 'kv'], env);
    await invoke('print', 'while following');
    expect(await following.line((line) => line.endsWith('while following'))).toMatch(/^\d\d:\d\d/);
  });

  it('says which chaincodes there is output of', async () => {
    expect(await run('chaincode', 'logs', 'other')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no output of chaincode other[\s\S]*There is output of kv:[0-9a-f]{64}/),
    });
  });
});
