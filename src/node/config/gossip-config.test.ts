import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../test/fakes/gossip-network.ts';
import { gossipConfig, gossipKeys } from './gossip-config.ts';
import { section } from './schema-values.ts';

const read = (gossip: object) => gossipConfig(v.parse(section(gossipKeys), gossip), 'peer0:7051');

describe('peer.gossip', () => {
  it("has the defaults of Fabric's sample where it says nothing or 0", () => {
    const zeros = {
      pullpeernum: 0,
      pullinterval: '0s',
      alivetimeinterval: 0,
      aliveexpirationtimeout: '',
      reconnectinterval: null,
      endpoint: '',
    };
    for (const gossip of [{}, zeros])
      expect(read(gossip)).toEqual({
        bootstrap: [],
        internalEndpoint: 'peer0:7051',
        externalEndpoint: '',
        ...SETTINGS,
        dialTimeoutMs: 3_000,
        connectTimeoutMs: 2_000,
        receiveBuffer: 20,
        sendBuffer: 200,
      });
  });

  it('has five alive messages in an expiry, and an expiry between attempts', () => {
    expect(read({ alivetimeinterval: '1s' })).toMatchObject({ aliveExpirationMs: 5_000, reconnectMs: 5_000 });
    expect(read({ alivetimeinterval: '1s', aliveexpirationtimeout: '7s' })).toMatchObject({ aliveExpirationMs: 7_000, reconnectMs: 7_000 });
  });

  it('has the endpoints that it names, and bootstrap peers as a list or as words', () => {
    expect(read({ endpoint: 'inside:1', externalendpoint: 'outside:2', bootstrap: ['a:1', 'b:2'] })).toMatchObject({
      internalEndpoint: 'inside:1',
      externalEndpoint: 'outside:2',
      bootstrap: ['a:1', 'b:2'],
    });
    expect(read({ bootstrap: 'a:1 b:2' }).bootstrap).toEqual(['a:1', 'b:2']);
  });

  it('refuses an endpoint that is none', () => {
    expect(() => read({ externalendpoint: 'nowhere' })).toThrow('expected host:port');
  });
});
