import * as v from 'valibot';
import type { GossipSettings } from '../../gossip/settings.ts';
import { address, count, duration, list, section } from './schema-values.ts';

/** `peer.gossip`, as far as it is not about private data. */
export interface GossipConfig extends GossipSettings {
  /** `host:port` of peers of the own organisation. */
  readonly bootstrap: readonly string[];
  /** Where peers of the own organisation reach this one. */
  readonly internalEndpoint: string;
  /** Where everybody reaches it; '' when only its own organisation shall. */
  readonly externalEndpoint: string;
  readonly dialTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Messages that wait, per connection. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

/** Nothing and 0 mean the default, as in Fabric. */
const time = (fallback: string) =>
  v.pipe(
    duration(fallback),
    v.transform((ms) => ms || v.parse(duration(fallback), undefined)),
  );
const number = (fallback: number) =>
  v.pipe(
    count(fallback),
    v.transform((value) => value || fallback),
  );

/** Defaults are those of Fabric's sample, but that no peer is asked for members unless it is named. */
export const gossipKeys = {
  bootstrap: list,
  endpoint: address(''),
  externalendpoint: address(''),
  alivetimeinterval: time('5s'),
  /** Five alive messages long, unless it says otherwise. */
  aliveexpirationtimeout: duration('0'),
  /** As long as the time that a peer may be silent for. */
  reconnectinterval: duration('0'),
  msgexpirationfactor: number(20),
  maxconnectionattempts: number(120),
  publishcertperiod: time('10s'),
  pullinterval: time('4s'),
  pullpeernum: number(3),
  digestwaittime: time('1s'),
  requestwaittime: time('1500ms'),
  responsewaittime: time('2s'),
  publishstateinfointerval: time('4s'),
  requeststateinfointerval: time('4s'),
  membershiptrackerinterval: time('5s'),
  propagatepeernum: number(3),
  propagateiterations: number(1),
  maxpropagationburstlatency: time('10ms'),
  maxpropagationburstsize: number(10),
  dialtimeout: time('3s'),
  conntimeout: time('2s'),
  recvbuffsize: number(20),
  sendbuffsize: number(200),
};

const gossipSchema = section(gossipKeys);

/** @param address where the peer is reached, which is its internal endpoint unless `peer.gossip.endpoint` says otherwise */
export function gossipConfig(gossip: v.InferOutput<typeof gossipSchema>, peerAddress: string): GossipConfig {
  const aliveExpirationMs = gossip.aliveexpirationtimeout || 5 * gossip.alivetimeinterval;
  return {
    bootstrap: gossip.bootstrap,
    internalEndpoint: gossip.endpoint || peerAddress,
    externalEndpoint: gossip.externalendpoint,
    aliveIntervalMs: gossip.alivetimeinterval,
    aliveExpirationMs,
    reconnectMs: gossip.reconnectinterval || aliveExpirationMs,
    expirationFactor: gossip.msgexpirationfactor,
    connectionAttempts: gossip.maxconnectionattempts,
    publishIdentityMs: gossip.publishcertperiod,
    pullIntervalMs: gossip.pullinterval,
    pullPeers: gossip.pullpeernum,
    digestWaitMs: gossip.digestwaittime,
    requestWaitMs: gossip.requestwaittime,
    responseWaitMs: gossip.responsewaittime,
    publishStateInfoMs: gossip.publishstateinfointerval,
    requestStateInfoMs: gossip.requeststateinfointerval,
    membershipTrackerMs: gossip.membershiptrackerinterval,
    propagatePeers: gossip.propagatepeernum,
    propagateIterations: gossip.propagateiterations,
    burstLatencyMs: gossip.maxpropagationburstlatency,
    burstSize: gossip.maxpropagationburstsize,
    dialTimeoutMs: gossip.dialtimeout,
    connectTimeoutMs: gossip.conntimeout,
    receiveBuffer: gossip.recvbuffsize,
    sendBuffer: gossip.sendbuffsize,
  };
}
