/** Chaincode on the real shim that gives no answer: what its caller is told and when, and what becomes of others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferred } from '../../src/common/deferred.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { Scope } from '../../src/common/scope.ts';
import { fixtures } from '../fixtures.ts';
import { type ShimPeer, shimPeer } from './shim-peer.ts';

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const SCRIPT = `
const shim = require('fabric-shim');
const held = new Map();
const functions = {
  ok: async () => 'ok',
  hold: (stub, name) => new Promise((resolve) => { held.set(name, resolve); console.log('holds ' + name); }),
  release: async (stub, name) => (held.get(name)('released ' + name), 'ok'),
  never: () => new Promise(() => undefined),
  loop: () => { for (;;); },
  print: (stub, text) => { console.log(text); return new Promise(() => undefined); },
  stay: (stub, text) => { process.on('SIGTERM', () => undefined); return functions.print(stub, text); },
  state: async (stub) => (await stub.getState('x')).toString(),
  beside: async (stub) => {
    (async () => { throw new Error('of the audit beside it'); })();
    return functions.hold(stub, 'it');
  },
};
shim.start({
  Init: async () => shim.success(),
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'plain') throw new Error('business rule broken');
    if (fcn === 'later') { await stub.getState('x'); throw new TypeError('broken after a read'); }
    if (fcn === 'late') { await functions.hold(stub, 'it'); throw new Error('too late'); }
    if (fcn === 'read') await stub.invokeChaincode('not-there', ['x'], stub.getChannelID());
    return shim.success(Buffer.from(await functions[fcn](stub, ...params)));
  },
});
`;

const LONG = 240_000;
/** Milliseconds that a transaction has where the test says when they are over: so few that they are at the first look. */
const SHORT = 1_000;
const failureOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no failure',
    (thrown: unknown) => SelvageError.from(thrown).message,
  );

/**
 * The time that transactions have: it stands still until the test has looked. A transaction whose time is up is asked about first,
 * whether somebody debugs it, and so after a second at the latest.
 */
class Looks {
  readonly debuggers = { attached: (): Promise<boolean> => this.#asked() };
  #next: ((isUp: () => void) => void) | undefined;

  /** Resolves when the first of the transactions that begin from now on is asked about, with what lets its time be up. */
  next(): Promise<() => void> {
    return new Promise((resolve) => {
      this.#next = resolve;
    });
  }

  #asked(): Promise<boolean> {
    const { promise, resolve } = deferred<boolean>();
    this.#next?.(() => resolve(false));
    this.#next = undefined;
    return promise;
  }
}

const held = async (peer: ShimPeer, name: string): Promise<{ readonly text: Promise<string> }> => {
  const text = peer.call('cc:1', 'hold', name).then((called) => called.text);
  await expect.poll(() => peer.printed).toContain(`holds ${name}`);
  return { text };
};

describe.skipIf(fixtures === undefined)('a transaction that throws on the plain shim (skipped without fixtures)', () => {
  it.each([
    ['plain', 'business rule broken'],
    ['later', 'TypeError: broken after a read'],
    ['read', 'INVOKE_CHAINCODE failed: transaction ID: tx1: '],
  ])('%s: fails at once with what it threw and what to do, and the chaincode goes on', async (fcn, reason) => {
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: LONG } });
    const failure = await failureOf(peer.call('cc:1', fcn));
    expect(failure).toContain(`the chaincode failed and does not answer: unhandled rejection: ${reason}`);
    expect(failure).toContain('return shim.error(message)');
    expect((await peer.call('cc:1', 'ok')).text).toBe('ok');
    expect(peer.printed.filter((line) => line.includes('Registering with peer'))).toHaveLength(1);
  });

  it('is found when all that ran beside it have answered, and they are not touched', async () => {
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: LONG } });
    const [one, other] = [await held(peer, 'one'), await held(peer, 'other')];
    let settled = false;
    const failure = failureOf(peer.call('cc:1', 'plain')).finally(() => {
      settled = true;
    });
    await expect.poll(() => peer.printed.join('\n')).toContain('business rule broken');
    await peer.call('cc:1', 'release', 'one');
    expect(await one.text).toBe('released one');
    expect(settled).toBe(false);
    await peer.call('cc:1', 'release', 'other');
    expect(await other.text).toBe('released other');
    expect(await failure).toContain('unhandled rejection: business rule broken');
  });

  it('and was given up before is not taken for one that still runs', async () => {
    const looks = new Looks();
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: SHORT, debuggers: looks.debuggers } });
    await peer.call('cc:1', 'ok');
    const asked = looks.next();
    const late = failureOf(peer.call('cc:1', 'late'));
    const timeIsUp = await asked;
    await expect.poll(() => peer.printed).toContain('holds it');
    await peer.call('cc:1', 'ok');
    timeIsUp();
    expect(await late).toContain('timeout expired while executing transaction');
    const another = await held(peer, 'another');
    await peer.call('cc:1', 'release', 'it');
    await expect.poll(() => peer.printed.join('\n')).toContain('Unhandled Rejection reason Error: too late');
    await peer.call('cc:1', 'release', 'another');
    expect(await another.text).toBe('released another');
  });

  it('does not fail for what fails beside it', async () => {
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: LONG } });
    const beside = peer.call('cc:1', 'beside');
    await expect.poll(() => peer.printed.join('\n')).toContain('Unhandled Rejection reason Error: of the audit beside it');
    await peer.call('cc:1', 'release', 'it');
    expect((await beside).text).toBe('released it');
  });
});

describe.skipIf(fixtures === undefined)('a transaction that runs out of time (skipped without fixtures)', () => {
  it.each([
    ['print', 'and the chaincode ends when it is told to'],
    ['stay', 'and the chaincode does not'],
  ])('is told with what was printed for it (%s: %s)', async (fcn) => {
    const looks = new Looks();
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: SHORT, debuggers: looks.debuggers } });
    await peer.call('cc:1', 'ok');
    const asked = looks.next();
    const failure = failureOf(peer.call('cc:1', fcn, 'waiting for the warehouse'));
    const timeIsUp = await asked;
    await expect.poll(() => peer.printed).toContain('waiting for the warehouse');
    timeIsUp();
    expect(await failure).toMatch(
      /^failed to execute transaction: timeout expired while executing transaction: the chaincode was silent.*waiting for the warehouse/s,
    );
  });

  it('ends nobody who runs beside it', async () => {
    const looks = new Looks();
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: SHORT, debuggers: looks.debuggers } });
    await peer.call('cc:1', 'ok');
    const asked = looks.next();
    const hanging = failureOf(peer.call('cc:1', 'never'));
    const timeIsUp = await asked;
    const beside = await held(peer, 'beside');
    timeIsUp();
    expect(await hanging).toContain('it was not stopped, because other transactions run on it (1)');
    await peer.call('cc:1', 'release', 'beside');
    expect(await beside.text).toBe('released beside');
    expect(peer.printed.filter((line) => line.includes('Registering with peer'))).toHaveLength(1);
  });

  it('in an endless loop: the chaincode is started anew, although others wait for it all the time', async () => {
    const looks = new Looks();
    const parts = { executeTimeoutMs: SHORT, debuggers: looks.debuggers };
    const peer = await shimPeer(scope, { script: SCRIPT, parts, graceMs: 300 });
    await peer.call('cc:1', 'ok');
    const asked = looks.next();
    const loop = failureOf(peer.call('cc:1', 'loop'));
    const timeIsUp = await asked;
    const answers: string[] = [];
    const load = async (): Promise<void> => {
      while (!answers.includes('ok'))
        answers.push(
          await peer.call('cc:1', 'ok').then(
            ({ text }) => text,
            () => 'failed',
          ),
        );
    };
    const waiting = looks.next();
    const loads = Promise.all([load(), load()]);
    await waiting;
    timeIsUp();
    await loads;
    expect(await loop).toContain('timeout expired while executing transaction');
    expect(answers).toContain('failed');
    expect(peer.printed.filter((line) => line.includes('Registering with peer'))).toHaveLength(2);
  });
});
