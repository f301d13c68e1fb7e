import type * as v from 'valibot';
import { duration, oneOf } from './schema-values.ts';

/** How the blocks of an ordering service are fetched: `peer.deliveryclient`. Times are in milliseconds. */
export interface DeliveryConfig {
  /** `connTimeout`: how long an ordering node may take to be connected. */
  readonly connectMs: number;
  /** `minimalReconnectInterval`: the first pause before a lost service is asked again. */
  readonly firstPauseMs: number;
  /** The longest such pause: `reConnectBackoffThreshold`, and no more than {@link LONGEST_PAUSE_MS}. */
  readonly longestPauseMs: number;
  /** `reconnectTotalTimeThreshold`: after that long without blocks the log says that the peer goes on trying. */
  readonly giveUpMs: number;
  /** `policy`: whether the other nodes of a BFT service are asked for headers, to find out when one holds blocks back. */
  readonly policy: 'cluster' | 'simple';
  /** `blockCensorshipTimeoutKey`: how long a node may go without a block that others have proven to exist. */
  readonly withheldMs: number;
}

/** Fabric's default of an hour lets a peer sleep long after its ordering service is back. */
const LONGEST_PAUSE_MS = 10_000;

/**
 * `peer.deliveryclient` with lower-case keys, but for `addressOverrides`.
 * @see core/deliverservice/config.go in hyperledger/fabric v3.1
 */
export const deliverySchema = {
  conntimeout: duration('3s'),
  minimalreconnectinterval: duration('100ms'),
  reconnectbackoffthreshold: duration('1h'),
  reconnecttotaltimethreshold: duration('3600s'),
  blockcensorshiptimeoutkey: duration('30s'),
  policy: oneOf(['cluster', 'simple'], 'cluster'),
};

type Parsed = { [Key in keyof typeof deliverySchema]: v.InferOutput<(typeof deliverySchema)[Key]> };

export const deliveryConfig = (parsed: Parsed): DeliveryConfig => ({
  connectMs: parsed.conntimeout,
  firstPauseMs: parsed.minimalreconnectinterval,
  longestPauseMs: Math.max(parsed.minimalreconnectinterval, Math.min(parsed.reconnectbackoffthreshold, LONGEST_PAUSE_MS)),
  giveUpMs: parsed.reconnecttotaltimethreshold,
  policy: parsed.policy,
  withheldMs: parsed.blockcensorshiptimeoutkey,
});
