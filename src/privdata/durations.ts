import { FABRIC_BUCKETS, type Histogram, type Metrics, unmeasured } from '../common/metrics.ts';

const HELP = {
  list_missing: 'Seconds to find out which private data of a block this peer may have.',
  fetch: 'Seconds that a block waited for private data that other peers have.',
  send: 'Seconds until a peer that was given private data said so, or did not.',
  reconciliation: 'Seconds of a cycle in which missing private data of old blocks are asked for.',
  pull: 'Seconds until a peer that was asked for private data answered.',
  retrieve: 'Seconds to look up private data that another peer asked for.',
} as const;

/** Fabric's measures of private data, by channel. */
export const durationOf = (metrics: Metrics = unmeasured, what: keyof typeof HELP, channel: string): Histogram =>
  metrics.histogram(`gossip_privdata_${what}_duration`, HELP[what], { channel }, FABRIC_BUCKETS);
