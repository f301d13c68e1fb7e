import { describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../common/bytes.ts';
import { Deadline } from '../common/cancel.ts';
import type { gossip } from '../protos/messages.ts';
import type { Member } from './peers.ts';
import type { PrivateDataExchange, PrivateDataHandler } from './private-exchange.ts';

/** Two peers of a channel `small` that reach each other, and one that nobody reaches. */
export interface ExchangePair extends AsyncDisposable {
  readonly channelId: string;
  readonly one: { readonly exchange: PrivateDataExchange; readonly member: Member };
  readonly other: { readonly exchange: PrivateDataExchange; readonly member: Member };
  readonly unreachable: Member;
}

const patient = { signal: new AbortController().signal };
const payload: gossip.PrivatePayloadInit = {
  collectionName: 'c',
  namespace: 'cc',
  txId: 'tx',
  privateRwset: utf8('set'),
  privateSimHeight: 7n,
  collectionConfigs: { config: [{ staticCollectionConfig: { name: 'c' } }] },
};

const handler = (parts: Partial<PrivateDataHandler>): PrivateDataHandler => ({
  received: async () => undefined,
  asked: async () => [],
  ...parts,
});

/** What every PrivateDataExchange promises. Each implementation's test file calls this with the real thing. */
export function exchangeContract(name: string, open: () => Promise<ExchangePair>): void {
  describe(`${name}: private data between peers`, () => {
    it('is given with who gives it, and is there when the other one says so', async () => {
      await using pair = await open();
      const { one, other, channelId } = pair;
      const seen: string[] = [];
      const received: PrivateDataHandler['received'] = async (data, id, from) => {
        const config = data.collectionConfigs?.config[0]?.staticCollectionConfig?.name;
        seen.push(
          [id, from.mspId, data.namespace, data.collectionName, data.txId, data.privateSimHeight, textOf(data.privateRwset), config].join(
            ' ',
          ),
        );
        expect([from.identity, from.pkiId].map((bytes) => Buffer.from(bytes))).toEqual(
          [one.member.identity, one.member.pkiId].map((bytes) => Buffer.from(bytes)),
        );
        return undefined;
      };
      using _serving = other.exchange.serve(handler({ received }));
      await one.exchange.push(other.member, channelId, payload, patient);
      expect(seen).toEqual([`${channelId} ${one.member.mspId} cc c tx 7 set c`]);
    });

    it('that the other one refuses is told with its words', async () => {
      await using pair = await open();
      const { one, other, channelId } = pair;
      using _serving = other.exchange.serve(handler({ received: async () => ({ refused: 'no room' }) }));
      await expect(one.exchange.push(other.member, channelId, payload, patient)).rejects.toMatchObject({
        code: 'REFUSED_BY_PEER',
        message: expect.stringContaining('no room'),
      });
    });

    it('of which the other one says nothing is waited for as long as the caller wants', async () => {
      await using pair = await open();
      const { one, other, channelId } = pair;
      using _serving = other.exchange.serve(handler({ received: async () => 'silence' }));
      using deadline = new Deadline(20, 'timed out');
      await expect(one.exchange.push(other.member, channelId, payload, deadline)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    });

    it('is answered by nobody before somebody serves, nor after', async () => {
      await using pair = await open();
      const { one, other, channelId } = pair;
      const served: string[] = [];
      const serving = other.exchange.serve(handler({ received: async () => void served.push('push') }));
      serving[Symbol.dispose]();
      using deadline = new Deadline(20, 'timed out');
      await expect(one.exchange.push(other.member, channelId, payload, deadline)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      await expect(one.exchange.pull(other.member, channelId, [], deadline)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(served).toEqual([]);
    });

    it('that is asked for comes as it is, both ways at once, and nothing comes of what the other one does not tell', async () => {
      await using pair = await open();
      const { one, other, channelId } = pair;
      const asked = (mark: string) =>
        handler({
          asked: async (digests) =>
            digests
              .filter(({ txId }) => txId !== 'secret')
              .map((digest) => ({ digest, payload: [utf8(`${mark} ${digest.txId}`), utf8('')] })),
        });
      using _one = one.exchange.serve(asked('one'));
      using _other = other.exchange.serve(asked('other'));
      const digest = (txId: string) => ({ txId, namespace: 'cc', collection: 'c', blockSeq: 2n ** 40n, seqInBlock: 3n });
      const digests = ['a', 'secret', 'b'].map(digest);
      const [there, back] = await Promise.all([
        one.exchange.pull(other.member, channelId, digests, patient),
        other.exchange.pull(one.member, channelId, [digest('x')], patient),
      ]);
      const told = (elements: readonly gossip.PvtDataElement[]) => elements.map((element) => [element.digest, element.payload.map(textOf)]);
      expect(told(there)).toEqual([
        [digest('a'), ['other a', '']],
        [digest('b'), ['other b', '']],
      ]);
      expect(told(back)).toEqual([[digest('x'), ['one x', '']]]);
      expect(await one.exchange.pull(other.member, channelId, [digest('secret')], patient)).toEqual([]);
    });

    it('goes to nobody who is not reached', async () => {
      await using pair = await open();
      const { one, unreachable, channelId } = pair;
      await expect(one.exchange.push(unreachable, channelId, payload, patient)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
      await expect(one.exchange.pull(unreachable, channelId, [], patient)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    });
  });
}
