import * as v from 'valibot';
import type { PrivateDataSettings } from '../../privdata/settings.ts';
import { count, duration, flag, section, text } from './schema-values.ts';

/** 0 means the default, as in Fabric. */
const positive = (fallback: number) =>
  v.pipe(
    count(fallback),
    v.transform((value) => value || fallback),
  );

/** Less than 0 means the default. */
const margin = v.pipe(
  text('10'),
  v.regex(/^-?\d+$/, 'expected a whole number'),
  v.transform((value) => (Number(value) < 0 ? 10 : Number(value))),
);

/** `peer.gossip.pvtData`; defaults are those of Fabric's sample. */
export const privateDataKeys = {
  /** 0 is never to ask before a block is committed. */
  pullretrythreshold: duration('60s'),
  pushacktimeout: v.pipe(
    duration('3s'),
    v.transform((ms) => ms || 3_000),
  ),
  transientstoremaxblockretention: count(1000),
  btlpullmargin: margin,
  reconcilesleepinterval: v.pipe(
    duration('1m'),
    v.transform((ms) => ms || 60_000),
  ),
  reconcilebatchsize: positive(10),
  reconciliationenabled: flag(true),
  skippullinginvalidtransactionsduringcommit: flag(false),
  implicitcollectiondisseminationpolicy: v.pipe(
    section({ requiredpeercount: count(0), maxpeercount: count(1) }),
    v.check(
      ({ requiredpeercount, maxpeercount }) => requiredpeercount <= maxpeercount,
      'expected requiredPeerCount not above maxPeerCount',
    ),
  ),
};

/** `ledger.pvtdataStore`, as far as it is acted on. */
export const privateStoreKeys = {
  purgedkeyauditlogging: flag(true),
  deprioritizeddatareconcilerinterval: v.pipe(
    duration('60m'),
    v.transform((ms) => ms || 60 * 60_000),
  ),
};

const pvtDataSchema = section(privateDataKeys);
const storeSchema = section(privateStoreKeys);

export function privateDataConfig(
  pvtData: v.InferOutput<typeof pvtDataSchema>,
  store: v.InferOutput<typeof storeSchema>,
): PrivateDataSettings {
  const { requiredpeercount: requiredPeerCount, maxpeercount: maxPeerCount } = pvtData.implicitcollectiondisseminationpolicy;
  return {
    pullRetryThresholdMs: pvtData.pullretrythreshold,
    pushAckTimeoutMs: pvtData.pushacktimeout,
    btlPullMargin: BigInt(pvtData.btlpullmargin),
    reconciliationEnabled: pvtData.reconciliationenabled,
    reconcileSleepMs: pvtData.reconcilesleepinterval,
    reconcileBatchSize: pvtData.reconcilebatchsize,
    deprioritizedMs: store.deprioritizeddatareconcilerinterval,
    skipPullingInvalid: pvtData.skippullinginvalidtransactionsduringcommit,
    implicit: { requiredPeerCount, maxPeerCount },
  };
}
