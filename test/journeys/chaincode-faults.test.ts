import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { evaluate } from '../../src/client/submit.ts';
import { textOf } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { chaincodeFolder, privateCache, processesIn, scratchIn, treesIn } from './faulty-chaincode.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';

const PREFIX = 'error in simulation: failed to execute transaction TXID: error sending: ';
const TERMINATED = `${PREFIX}chaincode stream terminated: `;

/** What the client is told when a call fails. */
const failureOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no failure',
    (thrown: unknown) =>
      SelvageError.from(thrown)
        .message.replace('bad proposal response 500: ', '')
        .replace(/[0-9a-f]{64}/, 'TXID'),
  );

describe.skipIf(process.platform !== 'linux')('chaincode that goes wrong', () => {
  let folder: string;
  let cache: string;
  let running: TestNetwork;
  let name: string;
  let deployments = 0;
  let tests = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-faults-'));
    cache = await privateCache(folder);
    running = await testNetwork({ cacheFolder: cache, settings: { chaincode: { executetimeout: '15s' } } });
    await chaincodeFolder(folder, 'faulty');
  });

  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** One that failed three times in a row is started with a pause; a new one is not. */
  beforeEach(async () => {
    tests += 1;
    if (tests % 3 !== 1) return;
    deployments += 1;
    name = `faulty${deployments}`;
    await running.deployFolder(name, join(folder, 'faulty'));
  });

  const call = async (...args: string[]): Promise<string> => {
    const { user, channel } = running.clients;
    return textOf((await evaluate(user.peer, user.signer, { channelId: channel, chaincode: name, args }, { signal: never })).payload);
  };

  /** The next call gets an answer, and every chaincode has the processes of one launch and one folder. @returns which launch */
  async function expectHealthy(): Promise<string> {
    const tree = await call('tree');
    const trees = await treesIn(cache);
    expect(trees).toHaveLength(deployments);
    expect(trees).toContain(tree);
    expect(await scratchIn(cache)).toHaveLength(deployments);
    return tree;
  }

  it.each([
    ['exits in mid-transaction', 'exit 3', '3', 'the last words of the chaincode'],
    ['exits with code 0', 'exit 0', '0', 'the last words of the chaincode'],
    ['is killed', 'kill', '137 (SIGKILL)', 'killing myself'],
    ['leaves a process of its own behind', 'orphan', '5', 'leaving a child behind'],
  ])('%s: says how and with which last words, and is replaced', async (_, command, ending, words) => {
    await call('tree');
    const failure = await failureOf(call(...command.split(' ')));
    expect(failure).toContain(`${TERMINATED}the chaincode exited with ${ending}, its last output:\n`);
    expect(failure.split('\n').slice(-3)).toContain(words); // after them the shell's, and the cause
    expect(failure).not.toMatch(/[^\n\P{Cc}]/u); // colours of the shim's log are gone
    await expectHealthy();
  });

  it('rejects a promise that nobody handles: what was printed about it is in the error', async () => {
    const failure = await failureOf(call('reject'));
    expect(failure).toContain(`${PREFIX}timeout expired while executing transaction: unhandled rejection: nobody catches this\nCatch it`);
    await expectHealthy();
  });

  it('fails everything that runs on it, each call with the reason', async () => {
    const waiting = [call('wait'), call('wait')].map(failureOf);
    const exiting = failureOf(call('exit', '4'));
    for (const failure of await Promise.all([...waiting, exiting])) expect(failure).toContain('the chaincode exited with 4');
    await expectHealthy();
  });

  it('hangs in a loop until the execute timeout: is stopped, and the next call gets a new one', async () => {
    const before = await expectHealthy();
    const failure = await failureOf(call('hang'));
    expect(failure).toContain(
      `${PREFIX}timeout expired while executing transaction: the chaincode was silent for the whole execute timeout`,
    );
    expect(await expectHealthy()).not.toBe(before);
  });

  it('waits for ever while others are served: only the one call fails', async () => {
    const before = await expectHealthy();
    const failure = failureOf(call('wait'));
    await call('put', 'a', '1');
    expect(await failure).toContain(`${PREFIX}timeout expired while executing transaction`);
    expect(await expectHealthy()).toBe(before);
  });

  it('floods its output: answers, the peer goes on answering meanwhile', async () => {
    const { user, channel } = running.clients;
    const info = () =>
      evaluate(user.peer, user.signer, { channelId: channel, chaincode: 'qscc', args: ['GetChainInfo', channel] }, { signal: never });
    const flood = call('flood', '5');
    for (let turn = 0; turn < 5; turn += 1) expect((await info()).status).toBe(200);
    expect(await flood).toBe('flooded');
    await expectHealthy();
  });

  it('is started twice: the second process is refused and ends, the first stays', async () => {
    const before = await expectHealthy();
    const { code, said } = JSON.parse(await call('twin'));
    expect(said).toContain(`duplicate chaincodeID: ${name}:1`);
    expect(code).toBe(0);
    expect(await expectHealthy()).toBe(before);
  });

  it('leaves no process and no folder when the peer stops', async () => {
    const other = await privateNetwork();
    await other.network.deployFolder('faulty', join(folder, 'faulty'));
    expect(await processesIn(other.cache)).not.toEqual([]);
    await other[Symbol.asyncDispose]();
    expect(await processesIn(other.cache)).toEqual([]);
    expect(await scratchIn(other.cache)).toEqual([]);
  });

  async function privateNetwork() {
    const own = await mkdtemp(join(folder, 'other-'));
    const otherCache = await privateCache(own);
    const network = await testNetwork({ cacheFolder: otherCache });
    return { network, cache: otherCache, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() };
  }

  describe('when it is deployed', () => {
    const deployed = async (broken: string, files: Record<string, string>): Promise<string> =>
      failureOf(running.deployFolder(broken, await chaincodeFolder(folder, broken, files)));

    /** Nothing is instantiated, nothing is left but the healthy one, and the name is free for what is deployed next. */
    async function expectNothingLeft(broken: string): Promise<void> {
      await expectHealthy();
      const { user, channel } = running.clients;
      const refused = failureOf(
        evaluate(user.peer, user.signer, { channelId: channel, chaincode: broken, args: ['tree'] }, { signal: never }),
      );
      expect(await refused).toContain(`chaincode ${broken} not found`);
    }

    it('has a syntax error: the parser’s words are in the error', async () => {
      const failure = await deployed('syntax', { 'index.js': 'const broken = ;\n' });
      expect(failure).toContain(
        'could not launch chaincode syntax:1: chaincode registration failed: container exited with 1, its last output:\n',
      );
      expect(failure).toContain('const broken = ;');
      expect(failure).toContain("SyntaxError: Unexpected token ';'");
      await expectNothingLeft('syntax');
    });

    it('ends before it registers', async () => {
      const failure = await deployed('early', { 'index.js': "console.log('nothing to do here');\n" });
      expect(failure).toContain('container exited with 0, its last output:\nnothing to do here');
      await expectNothingLeft('early');
    });

    it('has a lock file that does not fit: npm’s words and what to do are in the error', async () => {
      const own = { name: 'install', version: '1.0.0', scripts: { start: 'node index.js' } };
      const failure = await deployed('install', {
        'package.json': JSON.stringify({ ...own, dependencies: { 'not-in-the-lock-file': 'file:./index.js' } }),
        'package-lock.json': JSON.stringify({ ...own, lockfileVersion: 3, packages: { '': own } }),
      });
      expect(failure).toContain(
        'chaincode installed to peer but could not build chaincode: installing the dependencies of install:1 exited with 1:',
      );
      expect(failure).toMatch(/npm error code EUSAGE[\s\S]*not-in-the-lock-file/);
      expect(failure).toContain('run npm install where the chaincode is developed');
      await expectNothingLeft('install');
    });

    it('has an install script that fails: its words are in the error', async () => {
      const own = {
        name: 'script',
        version: '1.0.0',
        scripts: { start: 'node index.js', preinstall: 'echo no compiler here >&2; exit 9' },
      };
      const failure = await deployed('script', {
        'package.json': JSON.stringify(own),
        'package-lock.json': JSON.stringify({ ...own, lockfileVersion: 3, packages: { '': own } }),
      });
      expect(failure).toContain('installing the dependencies of script:1 exited with 9:');
      expect(failure).toContain('no compiler here');
      await expectNothingLeft('script');
    });

    it('has no start script: says so and how one looks', async () => {
      const failure = await deployed('startless', { 'package.json': JSON.stringify({ name: 'startless', version: '1.0.0' }) });
      expect(failure).toContain('package.json of the chaincode has no start script');
      expect(failure).toContain('Add "scripts": { "start":');
      await expectNothingLeft('startless');
    });
  });
});
