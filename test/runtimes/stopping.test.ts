/** How chaincode is stopped, seen from the chaincode. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../src/common/scope.ts';
import { fixtures } from '../fixtures.ts';
import { shimPeer } from './shim-peer.ts';

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

/** Answers `held` only when it is asked to stop, and ends after that answer is sent. */
const HELD = `
const shim = require('fabric-shim');
let stopping;
const asked = new Promise((resolve) => (stopping = resolve));
process.on('SIGTERM', () => {
  console.log('asked to stop');
  stopping();
});
process.on('exit', (code) => console.log('ends with ' + code));
shim.start({
  Init: async () => shim.success(),
  async Invoke(stub) {
    const { fcn } = stub.getFunctionAndParameters();
    if (fcn === 'held') {
      console.log('holding');
      await asked;
      await stub.putState('closing', Buffer.from('time'));
      setTimeout(() => process.exit(0), 100);
      return shim.success(Buffer.from('written while stopping'));
    }
    return shim.success(Buffer.from('ok'));
  },
});
`;

describe.skipIf(fixtures === undefined)('chaincode that is stopped (skipped without fixtures)', () => {
  it.each([
    ['by name', (peer: Awaited<ReturnType<typeof shimPeer>>) => peer.support.stop('cc:1')],
    ['with the peer', (peer: Awaited<ReturnType<typeof shimPeer>>) => peer.support[Symbol.asyncDispose]()],
  ])('%s is signalled first, and has its stream until it has ended', async (_, stop) => {
    const peer = await shimPeer(scope, { script: HELD });
    expect((await peer.call('cc:1', 'other')).text).toBe('ok');
    const held = peer.call('cc:1', 'held');
    await expect.poll(() => peer.printed).toContain('holding');
    const stopped = stop(peer);
    const { text, writes } = await held;
    expect(text).toBe('written while stopping');
    expect(writes).toEqual(['put cc/closing=time']);
    await stopped;
    expect(peer.printed).toContain('asked to stop');
    expect(peer.printed.join('\n')).not.toMatch(/Chat stream with peer - on error/);
    expect(peer.printed).toContain('ends with 0');
  });

  it('and does not end is killed after its grace time; what ran on it is told that it was stopped', async () => {
    const script = HELD.replace('stopping();', '');
    const peer = await shimPeer(scope, { script, graceMs: 200 });
    const held = peer.call('cc:1', 'held').catch((thrown: unknown) => thrown);
    await expect.poll(() => peer.printed).toContain('holding');
    await peer.support.stop('cc:1');
    expect(peer.printed).toContain('asked to stop');
    expect(String(await held)).toContain('chaincode stream terminated: chaincode cc:1 is being stopped');
  });
});
