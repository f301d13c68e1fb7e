import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { evaluate } from '../../src/client/submit.ts';
import { textOf, utf8 } from '../../src/common/bytes.ts';
import { messageOf } from '../../src/common/errors.ts';
import { protos } from '../../src/protos/messages.ts';
import { chaincodeFolder } from './faulty-chaincode.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';
import { type Behaviour, RawChaincode } from './raw-chaincode.ts';

/** Bytes of this thread alone: others run tests in the same process. */
const held = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const CCID = 'raw:1';
const PREFIX = 'bad proposal response 500: error in simulation: failed to execute transaction TXID: error sending: ';

/** In development mode the user runs the chaincode: here one that breaks the protocol, over the peer's real listener. */
describe('chaincode that breaks the protocol', () => {
  let folder: string;
  let running: TestNetwork;

  const answer: Behaviour = (start, chaincode) => chaincode.complete(start, utf8('hello'));

  /** Takes the name once the peer knows that the one before is gone. */
  async function chaincode(behave: Behaviour): Promise<RawChaincode> {
    for (;;) {
      const raw = new RawChaincode({ address: chaincodeAddress() }, behave);
      const refusal = await raw.register(CCID).then(() => undefined, messageOf);
      if (refusal === undefined) return raw;
      raw[Symbol.dispose]();
      if (!refusal.includes('duplicate chaincodeID')) throw new Error(refusal);
    }
  }

  const chaincodeAddress = (): string => `127.0.0.1:${running.network.plan.peers[0]?.chaincodePort}`;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-raw-'));
    running = await testNetwork({ tls: false, settings: { chaincode: { mode: 'dev', executetimeout: '5s' } } });
    using _ = await chaincode(answer);
    await running.deployFolder('raw', await chaincodeFolder(folder, 'raw'));
  });

  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const call = async (argument: string | Uint8Array = 'x'): Promise<string> => {
    const { user, channel } = running.clients;
    const spec = { channelId: channel, chaincode: 'raw', args: ['call', argument] };
    return textOf((await evaluate(user.peer, user.signer, spec, { signal: never })).payload);
  };
  const failureOf = (thing: Promise<unknown>): Promise<string> =>
    thing.then(
      () => 'no failure',
      (thrown: unknown) => messageOf(thrown).replace(/[0-9a-f]{64}/, 'TXID'),
    );

  /** After every fault: a chaincode that keeps to the protocol takes the name and answers. */
  async function expectHealthy(): Promise<void> {
    using _ = await chaincode(answer);
    expect(await call()).toBe('hello');
  }

  it.each<[string, protos.ChaincodeMessageInit, string]>([
    ['an unknown type', { type: 77 }, '(77) while in ready state'],
    ['a message that only peers send', { type: Type.TRANSACTION }, '(TRANSACTION) while in ready state'],
    ['REGISTER again', { type: Type.REGISTER, payload: protos.ChaincodeID.encode({ name: 'raw:1' }) }, '(REGISTER) while in ready state'],
  ])('sends %s in mid-transaction: both sides are told, and the stream ends', async (_, message, text) => {
    using raw = await chaincode(({ txid, channelId }, it) => it.send({ ...message, txid, channelId }));
    const failure = await failureOf(call());
    expect(failure).toContain(`${PREFIX}chaincode stream terminated: [`);
    expect(failure).toContain(`Fabric side handler cannot handle message ${text}`);
    expect(await raw.ended).toContain(`cannot handle message ${text}`);
    await expectHealthy();
  });

  it('sends bytes that are no message', async () => {
    using raw = await chaincode((_, it) => it.sendBytes(new Uint8Array([0xff, 0xff, 0xff])));
    expect(await failureOf(call())).toContain(`${PREFIX}chaincode stream terminated: `);
    await raw.ended;
    await expectHealthy();
  });

  it('answers for another transaction: that is ignored, and so is an answer for another channel', async () => {
    using _ = await chaincode(async (start, it) => {
      await it.complete({ ...start, txid: 'f'.repeat(64) }, utf8('wrong transaction'));
      await it.complete({ ...start, channelId: 'other' }, utf8('wrong channel'));
      await it.complete(start, utf8('right'));
    });
    expect(await call()).toBe('right');
  });

  it('answers only for another transaction: the call ends with the execute timeout, the stream goes on', async () => {
    using raw = await chaincode((start, it) => it.complete({ ...start, txid: 'f'.repeat(64) }));
    expect(await failureOf(call())).toBe(`${PREFIX}timeout expired while executing transaction`);
    raw.behave = answer;
    expect(await call()).toBe('hello');
  });

  it('never reads: calls end with the execute timeout however much waits for it, and others are served', async () => {
    using deaf = new RawChaincode({ address: chaincodeAddress() }, undefined);
    await deaf.claim(CCID);
    await deaf.send({ type: Type.KEEPALIVE });
    const large = new Uint8Array(4 * 1024 * 1024);
    const failures = await Promise.all(Array.from({ length: 8 }, () => failureOf(call(large))));
    for (const failure of failures) expect(failure).toContain(`${PREFIX}timeout expired while executing transaction`);
    const { user, channel } = running.clients;
    const spec = { channelId: channel, chaincode: 'qscc', args: ['GetChainInfo', channel] };
    expect((await evaluate(user.peer, user.signer, spec, { signal: never })).status).toBe(200);
    deaf[Symbol.dispose]();
    await expectHealthy();
  });

  it('asks and never reads the answers: the peer stops reading it, and its memory stays bounded', async () => {
    const before = held();
    let asked = 0;
    using raw = await chaincode(async ({ txid, channelId }, it) => {
      // Never returns to reading; each answer repeats the key.
      const request = {
        type: Type.GET_STATE,
        txid,
        channelId,
        payload: protos.GetState.encode({ key: 'k'.repeat(64 * 1024), collection: 'none' }),
      };
      for (;;) {
        await it.send(request);
        asked += 1;
      }
    });
    expect(await failureOf(call())).toContain(`${PREFIX}timeout expired while executing transaction`);
    expect(asked).toBeGreaterThan(0);
    expect(held() - before).toBeLessThan(512 * 1024 * 1024);
    raw[Symbol.dispose]();
    await expectHealthy();
  });

  it('claims no name: is refused in a sentence', async () => {
    using raw = new RawChaincode({ address: chaincodeAddress() }, answer);
    expect(await failureOf(raw.register(''))).toContain('chaincode name not set');
    await expectHealthy();
  });

  it('registers while another has the name: is refused, the first goes on', async () => {
    using _ = await chaincode(answer);
    using second = new RawChaincode({ address: chaincodeAddress() }, answer);
    expect(await failureOf(second.register(CCID))).toContain('duplicate chaincodeID: raw:1');
    expect(await call()).toBe('hello');
  });

  it('does not run: the client is told how to start it', async () => {
    const gone = await chaincode(answer);
    gone[Symbol.dispose]();
    let failure = '';
    while (!failure.includes('handler not found')) failure = await failureOf(call()); // until the peer knows that it is gone
    expect(failure).toContain('handler not found for chaincode raw:1');
    expect(failure).toContain(`CORE_CHAINCODE_ID_NAME=raw:1`);
  });
});
