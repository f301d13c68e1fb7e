import { describe, expect, it } from 'vitest';
import { SelvageError } from '../common/errors.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import { Custodian } from './custodian.ts';

const ref = (name: string, ccid = `${name}:1`): ChaincodeRef => ({ name, version: '1.0', ccid });

/** What can run, and what is done about it. */
function peer() {
  const events: string[] = [];
  let runnable: readonly ChaincodeRef[] = [];
  const fails = new Set<string>();
  const custodian = new Custodian({
    cache: { runnable: async () => new Map(runnable.map((chaincode) => [chaincode.ccid, chaincode])) },
    chaincodes: {
      makeReady: async ({ ccid }) => {
        events.push(`start ${ccid}`);
        if (fails.has(ccid)) throw new SelvageError('CHAINCODE_LAUNCH_FAILED', 'it fell over');
      },
      stop: async (ccid) => {
        events.push(`stop ${ccid}`);
      },
    },
  });
  const look = async (...now: ChaincodeRef[]): Promise<readonly string[]> => {
    runnable = now;
    custodian.look();
    await custodian.idle();
    return events.splice(0);
  };
  return { custodian, look, fails, events };
}

describe('the custodian', () => {
  it('starts what can run, once', async () => {
    const { look } = peer();
    expect(await look()).toEqual([]);
    expect(await look(ref('a'))).toEqual(['start a:1']);
    expect(await look(ref('a'), ref('b'))).toEqual(['start b:1']);
    expect(await look(ref('a'), ref('b'))).toEqual([]);
  });

  it('stops what nothing refers to any more, and starts it again when something does', async () => {
    const { look } = peer();
    await look(ref('a'), ref('b'));
    expect(await look(ref('a', 'a:2'), ref('b'))).toEqual(['start a:2', 'stop a:1']);
    expect(await look(ref('a', 'a:1'), ref('b'))).toEqual(['start a:1', 'stop a:2']);
  });

  it('goes on when one of them does not start', async () => {
    const { look, fails } = peer();
    fails.add('a:1');
    expect(await look(ref('a'), ref('b'))).toEqual(['start a:1', 'start b:1']);
    expect(await look(ref('b'))).toEqual(['stop a:1']);
  });

  it('looks once for many changes at a time, and never after its end', async () => {
    let looks = 0;
    const custodian = new Custodian({
      cache: {
        runnable: async () => {
          looks += 1;
          return new Map();
        },
      },
      chaincodes: { makeReady: async () => undefined, stop: async () => undefined },
    });
    for (let change = 0; change < 5; change += 1) custodian.look();
    await custodian.idle();
    expect(looks).toBe(1);
    await custodian[Symbol.asyncDispose]();
    custodian.look();
    await custodian.idle();
    expect(looks).toBe(1);
  });

  it('gives up its launches when it ends', async () => {
    const launched: string[] = [];
    const custodian = new Custodian({
      cache: { runnable: async () => new Map([['a:1', ref('a')]]) },
      chaincodes: {
        makeReady: (_, { signal }) => {
          launched.push('a:1');
          return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
        stop: async () => undefined,
      },
    });
    custodian.look();
    await new Promise((resolve) => setImmediate(resolve));
    await custodian[Symbol.asyncDispose]();
    expect(launched).toEqual(['a:1']);
  });
});
