import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../privdata/settings.ts';
import { privateDataConfig, privateDataKeys, privateStoreKeys } from './private-data-config.ts';
import { section } from './schema-values.ts';

const read = (pvtData: object, store: object = {}) =>
  privateDataConfig(v.parse(section(privateDataKeys), pvtData), v.parse(section(privateStoreKeys), store));

describe('peer.gossip.pvtData', () => {
  it("has the defaults of Fabric's sample where it says nothing, and where 0 makes no sense", () => {
    expect(read({})).toEqual(DEFAULT_SETTINGS);
    const zeros = { pushacktimeout: '0s', reconcilesleepinterval: 0, reconcilebatchsize: 0, btlpullmargin: -3 };
    expect(read(zeros, { deprioritizeddatareconcilerinterval: '0' })).toEqual(DEFAULT_SETTINGS);
  });

  it('is what it says', () => {
    const said = {
      pullretrythreshold: 0,
      pushacktimeout: '5s',
      btlpullmargin: '0',
      reconcilesleepinterval: '10s',
      reconcilebatchsize: 3,
      reconciliationenabled: 'false',
      skippullinginvalidtransactionsduringcommit: true,
      implicitcollectiondisseminationpolicy: { requiredpeercount: 1, maxpeercount: 2 },
    };
    expect(read(said, { deprioritizeddatareconcilerinterval: '2m' })).toEqual({
      pullRetryThresholdMs: 0,
      pushAckTimeoutMs: 5_000,
      btlPullMargin: 0n,
      reconcileSleepMs: 10_000,
      reconcileBatchSize: 3,
      reconciliationEnabled: false,
      deprioritizedMs: 120_000,
      skipPullingInvalid: true,
      implicit: { requiredPeerCount: 1, maxPeerCount: 2 },
    });
  });

  it('is refused where an organisation’s own data had to go to more peers than they may', () => {
    const policy = { requiredpeercount: 2, maxpeercount: 1 };
    expect(() => read({ implicitcollectiondisseminationpolicy: policy })).toThrow('expected requiredPeerCount not above maxPeerCount');
  });
});
