import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture, steps } from '../../test/fixtures.ts';
import { utf8 } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import type { ChaincodeCall } from './chaincodes.ts';
import { outcomeOf } from './outcome.ts';
import { Type } from './stream/message-types.ts';

interface Line {
  readonly dir: string;
  readonly type: string;
  readonly txid: string;
  readonly step: string | null;
  readonly msg: string;
}

interface Rwset {
  readonly txid: string;
  readonly chaincode: { readonly name: string };
  readonly events: {
    readonly chaincode_id: string;
    readonly tx_id: string;
    readonly event_name: string;
    readonly payload: string | null;
  } | null;
}

const jsonl = <T>(path: string): T[] =>
  readFixture(path)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** What chaincodes answered, over all connections of a network. */
const answers = (network: string): readonly Line[] =>
  fixtures === undefined
    ? []
    : readdirSync(join(fixtures, network, 'streams'))
        .flatMap((file) => jsonl<Line>(`${network}/streams/${file}`))
        .filter(({ dir, type }) => dir === 'cc->peer' && (type === 'COMPLETED' || type === 'ERROR'));

function call(name: string, txId: string): ChaincodeCall {
  const proposal = { signedProposal: { proposalBytes: utf8(''), signature: utf8('') }, channelId: 'ch', txId, creator: utf8('') };
  return { chaincode: { name, version: '1.0', ccid: `${name}:1.0` }, kind: 'transaction', input: {}, proposal, simulator: undefined };
}

describe.skipIf(!fixtures)('recorded outcomes', () => {
  it.each(['v1.1', 'v2.4'])('%s: events are what stands in the block', (network) => {
    const inBlocks = new Map(jsonl<Rwset>(`${network}/rwsets.jsonl`).map((rwset) => [rwset.txid, rwset]));
    let compared = 0;
    for (const { txid, msg } of answers(network)) {
      const bytes = Buffer.from(msg, 'base64');
      const committed = inBlocks.get(txid);
      const recorded = committed?.events;
      if (protos.ChaincodeMessage.decode(bytes).chaincodeEvent === undefined || committed === undefined || !recorded) continue;
      const { event } = outcomeOf(read(bytes), call(committed.chaincode.name, txid));
      expect(event).toEqual({
        chaincodeId: recorded.chaincode_id,
        txId: recorded.tx_id,
        eventName: recorded.event_name,
        payload: Buffer.from(recorded.payload ?? '', 'base64'),
      });
      compared += 1;
    }
    expect(compared).toBeGreaterThan(0);
  });

  it('v1.1: ERROR gives the text that the client got, up to the prefix', () => {
    const texts = new Map(
      steps('v1.1').map(({ name, calls }) => [name, (calls as { grpcMessage?: string }[]).map(({ grpcMessage }) => grpcMessage)[0]]),
    );
    const failed = answers('v1.1').filter(({ type, step }) => type === 'ERROR' && texts.get(step));
    // In these two v1.1 ends the transaction with its own ERROR to the chaincode, before the chaincode answers (reference 7.4).
    const quirks = ['61-invoke-call-missing', '62-invoke-call-otherchannel'];
    const compared = failed.filter(({ step }) => step !== null && !quirks.includes(step));
    expect(compared.map(({ step }) => step)).toContain('54-invoke-status-500');
    for (const { step, txid, msg } of compared) {
      const text = failureOf(() => outcomeOf(read(Buffer.from(msg, 'base64')), call('kvnode', txid)));
      expect(`error executing chaincode: ${text}`).toBe(texts.get(step));
    }
  });
});

const read = (bytes: Uint8Array) => protos.ChaincodeMessage.decode(bytes);

describe('outcomeOf', () => {
  it('does not believe what an event says of its origin', () => {
    const chaincodeEvent = { chaincodeId: 'bank', txId: 'another', eventName: 'e', payload: utf8('p') };
    const message = protos.ChaincodeMessage.encode({ type: Type.COMPLETED, chaincodeEvent });
    expect(outcomeOf(read(message), call('cc', 't')).event).toEqual({
      chaincodeId: 'cc',
      txId: 't',
      eventName: 'e',
      payload: Buffer.from('p'),
    });
  });

  it('fails for a response that does not parse', () => {
    const message = protos.ChaincodeMessage.encode({ type: Type.COMPLETED, payload: new Uint8Array([0xff]) });
    expect(failureOf(() => outcomeOf(read(message), call('cc', 't')))).toBe('failed to unmarshal response for txid (t)');
  });
});

function failureOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    return messageOf(thrown);
  }
  throw new Error('it did not fail');
}
