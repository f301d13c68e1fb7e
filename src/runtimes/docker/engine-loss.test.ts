import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeImage } from '../../../test/docker.ts';
import { noOwnEngine, OwnEngine } from '../../../test/own-engine.ts';
import { openDocker, watched } from '../../../test/runtimes/docker-fixture.ts';
import { Listener } from '../../chaincode/ports/runtime.contract.ts';
import { type Logger, silent } from '../../common/log.ts';
import { HttpEngine } from './http-engine.ts';

const never = new AbortController().signal;

/** Messages at info and above. */
function heard(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const say = (text: string): void => void lines.push(text);
  const log: Logger = { ...silent, info: say, warn: say, error: say, child: () => log };
  return { log, lines };
}

describe('an engine that is not there', () => {
  it('is one clear error, and no reason for the peer not to start', async () => {
    const { log, lines } = heard();
    await using fixture = await openDocker({ endpoint: 'unix:///nowhere/docker.sock', image: 'none', log });
    await fixture.runtime.ready({ signal: never });
    const spec = await fixture.packed({ 'package.json': '{"scripts":{"start":"node x"}}' });
    for (let time = 0; time < 2; time += 1) {
      await expect(fixture.runtime.launch(spec, { signal: never })).rejects.toMatchObject({
        code: 'DOCKER_UNAVAILABLE',
        message: expect.stringContaining('the Docker engine at unix:///nowhere/docker.sock does not answer'),
        advice: expect.stringContaining('Start Docker'),
      });
    }
    expect(lines).toEqual(['the Docker engine is lost']);
  });
});

const skipped = noOwnEngine === undefined ? '' : ` (skipped: ${noOwnEngine})`;

describe.skipIf(noOwnEngine !== undefined)(`an engine that dies${skipped}`, () => {
  let engine: OwnEngine;

  beforeAll(async () => {
    engine = await OwnEngine.open();
  });
  afterAll(() => engine?.[Symbol.asyncDispose]());

  it('in the middle of a build is said at once; when it is back, the next launch works and nothing is left', async () => {
    const { log, lines } = heard();
    await using fixture = await openDocker({ endpoint: engine.endpoint, log, healthIntervalMs: 50 });
    await using listener = await Listener.open();
    const spec = await fixture.chaincode(
      {
        script: "say('up'); setInterval(() => {}, 1e6);",
        install: "say('building'); if (process.env.STUCK !== 'no') setTimeout(() => {}, 60_000);",
      },
      listener,
    );
    const launch = fixture.runtime.launch(spec, { signal: never });
    await Promise.race([listener.line('building'), launch]);
    await engine.end('SIGKILL');
    await expect(launch).rejects.toMatchObject({ code: 'DOCKER_UNAVAILABLE', advice: expect.stringMatching(/\w/) });
    expect(lines.filter((line) => line.includes('engine'))).toContain('the Docker engine is lost');
    await engine.start();
    const quick = await fixture.chaincode({ script: "say('up'); setInterval(() => {}, 1e6);" }, listener);
    const instance = await fixture.runtime.launch(quick, { signal: never });
    await listener.line('up');
    expect((await fixture.leftovers()).length).toBe(1);
    await instance[Symbol.asyncDispose]();
    expect(await fixture.leftovers()).toEqual([]);
    await expect.poll(() => lines).toContain('the Docker engine answers again');
  });

  it.each(['upload 2', 'build 1', 'start 2'])('at step %s of a launch leaves nothing once it is back', async (step) => {
    const made: string[] = [];
    let dies: Promise<void> | undefined;
    const onCall = (call: string): void => {
      made.push(call);
      if (dies === undefined && step === `${call} ${made.filter((each) => each === call).length}`) dies = engine.end('SIGKILL');
    };
    const plain = new HttpEngine({ endpoint: engine.endpoint });
    const image = await nodeImage(plain);
    await using fixture = await openDocker({ engine: watched(plain, onCall), image, healthIntervalMs: 50 });
    await using listener = await Listener.open();
    const script = `say('up'); setInterval(() => {}, 1e6); // ${fixture.peerId}`;
    const launch = fixture.runtime.launch(await fixture.chaincode({ script }, listener), { signal: never });
    await expect(launch).rejects.toMatchObject({ code: 'DOCKER_UNAVAILABLE' });
    expect(dies).toBeDefined();
    await dies;
    await engine.start();
    const instance = await fixture.runtime.launch(await fixture.chaincode({ script }, listener), { signal: never });
    await listener.line('up');
    await instance[Symbol.asyncDispose]();
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('under a running chaincode ends it with the engine, and it can be launched again', async () => {
    const { log, lines } = heard();
    await using fixture = await openDocker({ endpoint: engine.endpoint, log, healthIntervalMs: 50 });
    await using listener = await Listener.open();
    const spec = await fixture.chaincode({ script: "say('up'); setInterval(() => {}, 1e6);" }, listener);
    const first = await fixture.runtime.launch(spec, { signal: never });
    await listener.line('up');
    await engine.end('SIGKILL');
    await engine.start(); // it kills what ran under its predecessor
    await first.exited;
    expect(lines.filter((line) => line === 'the Docker engine is lost')).toHaveLength(1);
    await fixture.runtime.launch(spec, { signal: never });
    await listener.count('up', 2);
    await fixture.runtime[Symbol.asyncDispose]();
    expect(await fixture.leftovers()).toEqual([]);
  });
});
