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
  sleep: (stub, ms) => new Promise((resolve) => setTimeout(resolve, Number(ms), 'ok')),
  never: () => new Promise(() => undefined),
  loop: () => { for (;;); },
  print: (stub, text) => { console.log(text); return new Promise(() => undefined); },
  state: async (stub) => (await stub.getState('x')).toString(),
  beside: async (stub) => {
    (async () => { throw new Error('of the audit beside it'); })();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return 'went on';
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
const failureOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no failure',
    (thrown: unknown) => SelvageError.from(thrown).message,
  );

/** Nobody debugs, but is asked about it once a second of every transaction that waits: that tells how much of its time has passed. */
class Looks {
  readonly debuggers = {
    attached: async (): Promise<boolean> => {
      this.#look();
      return false;
    },
  };
  #look: () => void = () => undefined;

  /** Resolves with the look of that number from now on. */
  next(number: number): Promise<void> {
    const reached = deferred<void>();
    let looks = 0;
    this.#look = () => {
      looks += 1;
      if (looks === number) reached.resolve();
    };
    return reached.promise;
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
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: 3_000 } });
    await peer.call('cc:1', 'ok');
    const late = failureOf(peer.call('cc:1', 'late'));
    await peer.call('cc:1', 'sleep', '1500');
    const another = await held(peer, 'another');
    expect(await late).toContain('timeout expired while executing transaction');
    await peer.call('cc:1', 'release', 'it');
    await expect.poll(() => peer.printed.join('\n')).toContain('Unhandled Rejection reason Error: too late');
    await peer.call('cc:1', 'release', 'another');
    expect(await another.text).toBe('released another');
  });

  it('does not fail for what fails beside it', async () => {
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: LONG } });
    expect((await peer.call('cc:1', 'beside')).text).toBe('went on');
    expect(peer.printed.join('\n')).toContain('Unhandled Rejection reason Error: of the audit beside it');
  });
});

describe.skipIf(fixtures === undefined)('a transaction that runs out of time (skipped without fixtures)', () => {
  it('is told with what was printed for it', async () => {
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: 1_000 } });
    await peer.call('cc:1', 'ok');
    expect(await failureOf(peer.call('cc:1', 'print', 'waiting for the warehouse'))).toMatch(
      /^failed to execute transaction: timeout expired while executing transaction: the chaincode was silent.*waiting for the warehouse/s,
    );
  });

  it('ends nobody who runs beside it', async () => {
    const looks = new Looks();
    const peer = await shimPeer(scope, { script: SCRIPT, parts: { executeTimeoutMs: 4_000, debuggers: looks.debuggers } });
    await peer.call('cc:1', 'ok');
    const hanging = failureOf(peer.call('cc:1', 'never'));
    await looks.next(2); // half of its time
    const beside = await held(peer, 'beside');
    expect(await hanging).toContain('it was not stopped, because other transactions run on it (1)');
    await peer.call('cc:1', 'release', 'beside');
    expect(await beside.text).toBe('released beside');
    expect(peer.printed.filter((line) => line.includes('Registering with peer'))).toHaveLength(1);
  });

  it('in an endless loop: the chaincode is started anew, although others wait for it all the time', async () => {
    const looks = new Looks();
    const peer = await shimPeer(scope, {
      script: SCRIPT,
      parts: { executeTimeoutMs: 1_500, debuggers: looks.debuggers },
      graceMs: 300,
    });
    await peer.call('cc:1', 'ok');
    const loop = failureOf(peer.call('cc:1', 'loop'));
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
    await Promise.all([load(), looks.next(1).then(load)]); // one waits while the other's time is up
    expect(await loop).toContain('timeout expired while executing transaction');
    expect(answers).toContain('failed');
    expect(peer.printed.filter((line) => line.includes('Registering with peer'))).toHaveLength(2);
  });
});
