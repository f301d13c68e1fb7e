import type * as v from 'valibot';
import { duration, flag, section } from './schema-values.ts';

/** `peer.gateway`; times are in milliseconds. */
export interface GatewayConfig {
  readonly enabled: boolean;
  /** Of one endorser. */
  readonly endorsementTimeoutMs: number;
  /** Of one ordering node. */
  readonly broadcastTimeoutMs: number;
  /** Of a connection to either. */
  readonly dialTimeoutMs: number;
  /** `peer.limits.concurrency.gatewayService`: calls at a time, streams among them; 0 is no limit. */
  readonly concurrency: number;
}

/** Defaults are those of Fabric's sample. @see hyperledger/fabric v2.5, sampleconfig/core.yaml */
export const gatewayKeys = {
  enabled: flag(true),
  endorsementtimeout: duration('30s'),
  broadcasttimeout: duration('30s'),
  dialtimeout: duration('2m'),
};

const gatewaySchema = section(gatewayKeys);

export const gatewayConfig = (gateway: v.InferOutput<typeof gatewaySchema>, concurrency: number): GatewayConfig => ({
  enabled: gateway.enabled,
  endorsementTimeoutMs: gateway.endorsementtimeout,
  broadcastTimeoutMs: gateway.broadcasttimeout,
  dialTimeoutMs: gateway.dialtimeout,
  concurrency,
});
