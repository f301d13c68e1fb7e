import { describe, expect, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { gossip } from '../../protos/messages.ts';
import { readEnvelope } from '../wire/envelope.ts';
import { stateInfoIn } from './state-info.ts';
import { StateInfos } from './state-infos.ts';

function infoOf(peer: string, size: number) {
  const payload = gossip.GossipMessage.encode({ stateInfo: { pkiId: utf8(peer), channelMAC: new Uint8Array(size) } });
  const info = stateInfoIn(readEnvelope(gossip.Envelope.encode({ payload, signature: utf8('signed') })));
  if (info === undefined) throw new Error('no state info');
  return info;
}

describe('what peers say of a channel', () => {
  it('has so much room for each organisation, and one takes nothing from another', () => {
    const infos = new StateInfos(2_500);
    const kept = ['one', 'two', 'three'].map((peer) => infos.set(infoOf(peer, 1_000), 'Org1MSP'));
    expect([...kept, infos.set(infoOf('other', 2_000), 'Org2MSP')]).toEqual([true, true, false, true]);
    expect(infos.set(infoOf('two', 1_100), 'Org1MSP')).toBe(true); // in its own place
    expect(infos.set(infoOf('two', 2_000), 'Org1MSP')).toBe(false);
    expect(infos.get(infoOf('two', 0).key)?.mac.length).toBe(1_100);
    expect(infos.delete(infoOf('one', 0).key)).toBe(true);
    expect(infos.delete(infoOf('one', 0).key)).toBe(false);
    expect(infos.set(infoOf('two', 2_000), 'Org1MSP')).toBe(true);
    expect(infos.size).toBe(2);
  });
});
